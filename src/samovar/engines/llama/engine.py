"""libllama behind the engine contract: checks what comes, keeps count of positions, seals what is exported."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from samovar.core.engine import Batch, EngineInfo
from samovar.core.errors import EngineFailed
from samovar.engines.blob import seal, unseal
from samovar.engines.checks import check_batch, check_copy, check_sequence, check_tokens
from samovar.engines.llama.contexts import AnyContext
from samovar.engines.llama.embedding import Embedding
from samovar.engines.llama.model import Model

if TYPE_CHECKING:
    from samovar.core.engine import Logits

_END = struct.Struct("<q")


class LlamaEngine:
    """Implements `core.engine.Engine` over a model and its contexts, all of which it closes.

    `owner`: fingerprint of model, library and cache layout, for exported sequences.
    """

    def __init__(
        self, info: EngineInfo, model: Model, context: AnyContext, embedding: Embedding, owner: bytes
    ) -> None:
        self._info = info
        self._embedding = embedding
        self._model = model
        self._vocabulary = model.vocabulary
        self._context = context
        self._owner = owner
        self._ends = [0] * info.parallel

    @property
    def info(self) -> EngineInfo:
        return self._info

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        return self._vocabulary.tokenize(text, special=special, bos=bos)

    def cuts_at_words(self) -> bool:
        return self._vocabulary.cuts_at_words

    def piece(self, token: int) -> bytes:
        return self._vocabulary.piece(token)

    def decode(self, batch: Batch) -> Logits:
        ends = check_batch(self._info, batch, self._ends.__getitem__)
        logits = self._context.decode(batch)
        for sequence, end in ends.items():
            self._ends[sequence] = end
        return logits

    def embed(self, tokens: Sequence[int], *, start: int = 0, length: int = 0) -> Logits:
        check_tokens(self._info, tokens)
        self._must("can_embed", self._info.capabilities.can_embed)
        return self._embedding.embed(tokens, start, length)

    def end_embedding(self) -> None:
        self._embedding.close()

    def copy(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        check_sequence(self._info, source)
        check_sequence(self._info, target)
        check_copy(target, start, self._ends[target])
        able = self._info.capabilities
        self._must("can_copy", able.can_copy)
        self._must("can_copy_range", able.can_copy_range or not start)
        end = min(end, self._ends[source])
        if end > start:
            self._context.copy(source, target, start, end)
            self._ends[target] = end

    def remove(self, sequence: int, start: int, end: int | None = None) -> bool:
        check_sequence(self._info, sequence)
        have = self._ends[sequence]
        if start >= have or (end is not None and end <= start):
            return True
        to_the_end = end is None or end >= have
        if not self._info.capabilities.can_remove_tail and not (start <= 0 and to_the_end):
            return False
        if not self._context.remove(sequence, max(start, 0), None if to_the_end else end):
            return False
        self._ends[sequence] = max(start, 0) if to_the_end else have
        return True

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        check_sequence(self._info, sequence)
        self._must("can_shift", self._info.capabilities.can_shift)
        if start + by < 0:
            raise EngineFailed("engines.shift_collides", sequence=sequence, start=start, end=end, by=by)
        self._context.shift(sequence, start, end, by)
        if end >= self._ends[sequence]:
            self._ends[sequence] += by

    def export(self, sequence: int) -> bytes:
        check_sequence(self._info, sequence)
        self._must("can_export", self._info.capabilities.can_export)
        end = self._ends[sequence]
        return seal(self._owner, _END.pack(end) + self._context.export(sequence) if end else _END.pack(0))

    def restore(self, sequence: int, blob: bytes) -> None:
        self._must_be_empty(sequence)
        self._must("can_export", self._info.capabilities.can_export)
        payload = unseal(self._owner, blob)
        (end,) = _END.unpack_from(payload)
        if end:
            self._context.restore(sequence, payload[_END.size :])
        self._ends[sequence] = end

    def set_threads(self, count: int) -> None:
        self._context.set_threads(max(count, 1))
        self._embedding.set_threads(max(count, 1))

    def close(self) -> None:
        self._embedding.close()
        self._context.close()
        self._model.close()

    def _must_be_empty(self, sequence: int) -> None:
        check_sequence(self._info, sequence)
        if self._ends[sequence]:
            raise EngineFailed("engines.not_empty", sequence=sequence)

    def _must(self, name: str, able: bool) -> None:
        if not able:
            raise EngineFailed("engines.incapable", capability=name, architecture=self._info.architecture)
