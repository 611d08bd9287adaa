"""Hidden states of texts, in a context beside the one that serves, made for the text at hand and given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context

if TYPE_CHECKING:
    from samovar.core.engine import Logits

LEAST = 512
"""KV cells of the smallest context: most texts are shorter."""


class Embedding:
    """One text at a time. `make`: a context of hidden states with so many cells; `most`: tokens of a text. `whole`:
    no text can be computed in parts."""

    def __init__(self, make: Callable[[int], Context], most: int, *, whole: bool = False) -> None:
        self._make = make
        self._most = most
        self._whole = whole
        self._context: Context | None = None
        self._threads = 0
        self._end = 0

    def embed(self, tokens: Sequence[int], start: int, length: int) -> Logits:
        """As `Engine.embed`."""
        end = start + len(tokens)
        if start not in (0, self._end) or max(end, length) > self._most:
            raise EngineFailed("engines.embedded_apart", start=start, end=self._end, length=length, most=self._most)
        if self._whole and len(tokens) != max(end, length):
            raise EngineFailed("engines.embedded_in_parts", count=len(tokens), length=max(end, length))
        context = self._begin(max(end, length)) if start == 0 else self._going_on()
        self._end = start
        rows = context.decode(Batch(list(tokens), list(range(start, end)), [0] * len(tokens), [True] * len(tokens)))
        self._end = end
        return rows

    def set_threads(self, count: int) -> None:
        self._threads = count
        if self._context is not None:
            self._context.set_threads(count)

    def close(self) -> None:
        """Gives the memory back; the next text makes another context."""
        if self._context is not None:
            self._context.close()
        self._context, self._end = None, 0

    def _begin(self, length: int) -> Context:
        """An empty context with room for `length` tokens."""
        if self._context is not None and self._context.cells >= length:
            self._context.remove(0, 0, None)
            return self._context
        self.close()
        self._context = context = self._make(min(max(LEAST, 1 << (length - 1).bit_length()), self._most))
        if self._threads:
            context.set_threads(self._threads)
        return context

    def _going_on(self) -> Context:
        assert self._context is not None
        return self._context
