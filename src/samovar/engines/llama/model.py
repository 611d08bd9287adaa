"""A model file loaded by libllama: its facts, its vocabulary, and what its cache allows."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from samovar.core.engine import Pooling, Progress
from samovar.core.errors import BadModelFile, Cancelled, EngineFailed, NotFound
from samovar.engines.llama.binding import PLAIN_MODEL, Binding, ModelOptions, metadata
from samovar.engines.llama.vocabulary import Vocabulary

POOLINGS: Mapping[str, Pooling] = MappingProxyType({"1": "mean", "2": "first", "3": "last"})
"""`enum llama_pooling_type`, as metadata write it. Models that were not made for embeddings say nothing."""

_SAMPLES, _SAMPLE = 16, 1 << 16


class Model:
    """Raises NotFound, Cancelled when progress returned False, BadModelFile with the library's own reason, or
    EngineFailed for a model that writes no text."""

    def __init__(
        self, binding: Binding, path: str, progress: Progress, options: ModelOptions = PLAIN_MODEL
    ) -> None:
        if not Path(path).is_file():
            raise NotFound("engines.no_file", path=path)
        self._binding = binding
        self.handle = self._load(path, progress, options)
        self.architecture = self.metadata("general.architecture")
        if binding.has_encoder(self.handle) or not binding.has_decoder(self.handle):
            self.close()
            raise EngineFailed("engines.no_decoder", architecture=self.architecture)
        self.vocabulary = Vocabulary(binding, self.handle)
        self.trained_context = binding.trained_context(self.handle)
        self.keeps_states = binding.is_recurrent(self.handle) or binding.is_hybrid(self.handle)
        """Whether layers keep a running state in place of keys and values: such a cache cannot be cut."""
        self.causal = self.metadata(f"{self.architecture}.attention.causal") != "false"
        """Whether tokens see only those before them. A model in which they see all only reads."""
        self.digest = file_digest(Path(path))

    @property
    def pooling(self) -> Pooling:
        return POOLINGS.get(self.metadata(f"{self.architecture}.pooling_type"), "mean")

    @property
    def adds_eos(self) -> bool:
        """Whether texts that are embedded end with the end token."""
        return self.metadata("tokenizer.ggml.add_eos_token") == "true"

    @property
    def description(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        self._binding.describe(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def close(self) -> None:
        if self.handle:
            self._binding.free_model(self.handle)
            self.handle = 0

    def _load(self, path: str, progress: Progress, options: ModelOptions) -> int:
        wanted = True

        def report(share: float) -> bool:
            nonlocal wanted
            wanted = wanted and progress(min(max(share, 0.0), 1.0))
            return wanted

        self._binding.log.reason()
        handle = self._binding.load_model(path, report, options) if report(0.0) else 0
        if handle and wanted:
            return handle
        if handle:
            self._binding.free_model(handle)
        if not wanted:
            raise Cancelled("engines.load_cancelled")
        reason = self._binding.log.reason() or "–"
        raise BadModelFile("engines.load_failed", build=self._binding.build, file=Path(path).name, reason=reason)

    def metadata(self, key: str) -> str:
        """A value of the file's header as text; "" where it has none of that name."""
        return metadata(self._binding, self.handle, key)


def file_digest(path: Path) -> str:
    """A digest of the file's length and of samples spread over it: cheap, and other for other weights."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        for i in range(_SAMPLES):
            file.seek(max(size - _SAMPLE, 0) * i // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
