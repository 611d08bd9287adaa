"""Texts to vectors: those that wait, oldest first, computed a few tokens at a time so that streams go on between.

Knows the engine's hidden states and how a text's are pooled; nothing of the scheduler or of sampling.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from samovar.core.engine import EngineInfo
from samovar.core.errors import EngineFailed, InvalidInput, Missing, PromptTooLong, SamovarError
from samovar.core.requests import Part
from samovar.runtime.frames import Embed, FromWorker, Refused, Vectors
from samovar.runtime.pacer import Pacer
from samovar.runtime.prompt import Prompts

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]


@dataclass
class _Text:
    """One text, of which `done` tokens are computed. `pooled`: what stands for it so far."""

    tokens: list[int]
    done: int = 0
    pooled: Vector = field(default_factory=lambda: np.zeros(1))


@dataclass
class _Asked:
    """One request: the vectors that it has, and the text that is being computed."""

    frame: Embed
    vectors: list[bytes] = field(default_factory=list)
    tokens: int = 0
    text: _Text | None = None


class Embedder:
    """`step` computes up to `chunk` tokens of the oldest request; its answer goes out through `emit`."""

    def __init__(
        self, info: EngineInfo, pacer: Pacer, prompts: Prompts, emit: Callable[[FromWorker], None], chunk: int
    ) -> None:
        self._info = info
        self._pacer = pacer
        self._prompts = prompts
        self._emit = emit
        self._chunk = chunk
        self._waiting: deque[_Asked] = deque()

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def take(self, frame: Embed) -> None:
        self._waiting.append(_Asked(frame))

    def cancel(self, id: str) -> None:
        self._waiting = deque(asked for asked in self._waiting if asked.frame.id != id)

    def step(self) -> None:
        """Some tokens of the oldest request. What it can do wrong is answered, never raised."""
        asked = self._waiting[0]
        try:
            self._advance(asked)
        except SamovarError as error:
            self._waiting.popleft()
            self._emit(Refused(asked.frame.id, error.value()))
            return
        if len(asked.vectors) == len(asked.frame.texts):
            self._waiting.popleft()
            self._emit(Vectors(asked.frame.id, tuple(asked.vectors), asked.tokens))

    def _advance(self, asked: _Asked) -> None:
        if len(asked.vectors) == len(asked.frame.texts):
            return
        text = asked.text = asked.text or _Text(self._read(asked.frame, len(asked.vectors)))
        chunk = self._chunk if self._info.capabilities.can_write else len(text.tokens)
        some = text.tokens[text.done : text.done + chunk]
        rows = self._pacer.embed(some, start=text.done, length=len(text.tokens))
        text.pooled = self._pool(text, rows)
        text.done += len(some)
        if text.done == len(text.tokens):
            asked.vectors.append(normalised(text.pooled))
            asked.tokens += text.done
            asked.text = None

    def _read(self, frame: Embed, index: int) -> list[int]:
        """The tokens of a text. Raises Missing, InvalidInput, PromptTooLong."""
        if not self._info.capabilities.can_embed:
            raise Missing("embeddings.unable", architecture=self._info.architecture)
        given, window = frame.texts[index], self._info.window
        if not given:
            raise InvalidInput("embeddings.empty", number=index + 1)
        tokens = self._spelled(given) if isinstance(given, str) else self._prompts.known(given)
        if len(tokens) > window and not frame.truncate:
            raise PromptTooLong("embeddings.too_long", number=index + 1, tokens=len(tokens), window=window)
        return self._cut(tokens, window)

    def _spelled(self, text: str) -> list[int]:
        """What somebody wrote is never read as control tokens."""
        tokens, end = self._prompts.plain((Part(text, special=False),)), self._info.eos_token
        return [*tokens, end] if self._info.adds_eos and end is not None else tokens

    def _cut(self, tokens: list[int], window: int) -> list[int]:
        """What fits of the tokens; the end token stays where the text has one."""
        if len(tokens) <= window:
            return tokens
        end = self._info.eos_token
        ends = [end] if self._info.adds_eos and end is not None and tokens[-1] == end else []
        return tokens[: window - len(ends)] + ends

    def _pool(self, text: _Text, rows: npt.NDArray[np.float32]) -> Vector:
        """What stands for the text but for its length, now that `rows`, [tokens, width], are there too."""
        pooled: Vector = text.pooled
        if self._info.pooling == "mean":
            pooled = pooled + rows.sum(axis=0, dtype=np.float64)
        elif self._info.pooling == "last" or not text.done:
            pooled = rows[0 if self._info.pooling == "first" else -1].astype(np.float64)
        return pooled


def normalised(vector: Vector) -> bytes:
    """`vector` with length 1, as float32. Raises EngineFailed where it has no length."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or not length:
        raise EngineFailed("embeddings.no_direction", length=length)
    return np.divide(vector, length).astype(np.float32).tobytes()
