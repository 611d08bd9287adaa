"""Models that read and do not write (BERT and its kin): every token sees those after it, so that there are no
logits and no KV cache, and whole texts only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from samovar.core.engine import Batch, Capabilities, EngineInfo, LoadSpec, Note, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.checks import check_tokens
from samovar.engines.llama.binding import Binding
from samovar.engines.llama.computing import embedding_for
from samovar.engines.llama.cpu import physical_cores
from samovar.engines.llama.embedding import Embedding
from samovar.engines.llama.model import Model
from samovar.engines.llama.texts import check_texts

if TYPE_CHECKING:
    from samovar.core.engine import Logits

_RANKS = "4"
"""`enum llama_pooling_type`: a score of two texts stands for them."""


class LlamaReader:
    """Implements `core.engine.Engine` for such a model, which it closes."""

    def __init__(self, info: EngineInfo, model: Model, embedding: Embedding) -> None:
        self._info = info
        self._model = model
        self._embedding = embedding

    @property
    def info(self) -> EngineInfo:
        return self._info

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        return self._model.vocabulary.tokenize(text, special=special, bos=bos)

    def cuts_at_words(self) -> bool:
        return False

    def piece(self, token: int) -> bytes:
        return self._model.vocabulary.piece(token)

    def embed(self, tokens: Sequence[int], *, start: int = 0, length: int = 0) -> Logits:
        check_tokens(self._info, tokens)
        return self._embedding.embed(tokens, start, length)

    def end_embedding(self) -> None:
        self._embedding.close()

    def set_threads(self, count: int) -> None:
        self._embedding.set_threads(max(count, 1))

    def close(self) -> None:
        self._embedding.close()
        self._model.close()

    def remove(self, sequence: int, start: int, end: int | None = None) -> bool:  # noqa: ARG002 - holds nothing
        return True

    def decode(self, batch: Batch) -> Logits:  # noqa: ARG002 - refused
        self._cannot("can_write")

    def copy(self, source: int, target: int, end: int, *, start: int = 0) -> None:  # noqa: ARG002 - refused
        self._cannot("can_copy")

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:  # noqa: ARG002 - refused
        self._cannot("can_shift")

    def export(self, sequence: int) -> bytes:  # noqa: ARG002 - refused
        self._cannot("can_export")

    def restore(self, sequence: int, blob: bytes) -> None:  # noqa: ARG002 - refused
        self._cannot("can_export")

    def _cannot(self, capability: str) -> NoReturn:
        raise EngineFailed("engines.incapable", capability=capability, architecture=self._info.architecture)


def open_reader(spec: LoadSpec, ways: Sequence[Setting], binding: Binding, model: Model) -> LlamaReader:
    """The first of the `ways` of this library that is trusted or passes the check. Raises EngineFailed."""
    if model.metadata(f"{model.architecture}.pooling_type") == _RANKS:
        raise EngineFailed("engines.reranker")
    failures: list[EngineFailed] = []
    for index, way in enumerate(ways):
        if way.build != binding.build or index < (spec.trusted or 0):
            continue
        try:
            if index != spec.trusted:
                check_texts(spec, way, binding, model)
        except EngineFailed as why:
            failures.append(why)
        else:
            embedding = embedding_for(spec, way, binding, model)
            info = _info(spec, index, way, model, failures)
            embedding.set_threads(info.threads)
            return LlamaReader(info, model, embedding)
    raise failures[-1]


def _info(spec: LoadSpec, settled: int, way: Setting, model: Model, failures: Sequence[EngineFailed]) -> EngineInfo:
    words = model.vocabulary
    begins, ends = words.frame()
    return EngineInfo(
        architecture=model.architecture,
        description=model.description,
        vocab_size=words.size,
        trained_context=model.trained_context,
        window=spec.window,
        cells=spec.window,
        parallel=1,
        threads=spec.threads or physical_cores(),
        chat_template=None,
        bos_token=begins,
        eos_token=ends,
        bos_text=words.text(begins),
        eos_text=words.text(ends),
        end_tokens=words.end_tokens,
        special_texts=words.special_texts,
        adds_bos=words.adds_bos,
        adds_eos=ends is not None,
        pooling=model.pooling,
        capabilities=Capabilities(can_copy=False, can_set_threads=True, can_embed=True, can_write=False),
        setting=way,
        settled=settled,
        notes=tuple(Note(why.key, dict(why.facts)) for why in failures),
    )
