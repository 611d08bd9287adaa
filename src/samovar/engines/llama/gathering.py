"""The context in which streams are computed together while each also has one of its own.

It has no flash attention: the build that needs this has none for several sequences. Its numbers are believed once
they were seen to agree with those of the streams' own contexts, in the first step after they were gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.parts import Part, joined
from samovar.engines.llama.state import is_empty, turn_values

if TYPE_CHECKING:
    from samovar.core.engine import Logits

SPARE = 32
"""Cells that each stream should find free: less than that, and it is not worth moving."""
LEAST = 1024
"""Cells of the smallest context that is made."""


class Gathering:
    """The sequences in `members` are in a context from `make`, which is told its number of cells: as large as was
    needed so far, and `most` at most. What their own contexts hold of them is out of date. `turns`: in the own
    contexts values lie the other way. `tolerance`: how far its logits may be from theirs."""

    def __init__(self, make: Callable[[int], Context], most: int, tolerance: float, *, turns: bool) -> None:
        self._make = make
        self._most = most
        self._tolerance = tolerance
        self._turns = turns
        self.trusted = False
        self._context: Context | None = None
        self._threads = 0
        self.members: set[int] = set()

    def could_hold(self, streams: Sequence[Part]) -> bool:
        return _needed(streams) <= self._most

    def holds(self, streams: Sequence[Part]) -> bool:
        """Whether they fit in as it is."""
        return self._context is not None and _needed(streams) <= self._context.cells

    def grow(self, streams: Sequence[Part]) -> None:
        """Makes room for them. It has no members. Raises EngineFailed."""
        self.close()
        self._context = self._make(min(max(LEAST, 1 << _needed(streams).bit_length()), self._most))
        if self._threads:
            self._context.set_threads(self._threads)

    def take(self, sequence: int, own: Context) -> None:
        """Raises EngineFailed where that fails: the sequence is then where it was."""
        self._move(own.export(0), self._made, sequence)
        self.members.add(sequence)

    def bring_home(self, sequence: int, own: Context) -> None:
        state = self._made.export(sequence)
        self.dismiss(sequence)
        own.remove(0, 0, None)
        self._move(state, own, 0)

    def dismiss(self, sequence: int) -> None:
        """Forgets what it holds of the sequence."""
        self._made.remove(sequence, 0, None)
        self.members.discard(sequence)

    def remove(self, sequence: int, start: int) -> bool:
        """Forgets the member's positions from `start` on."""
        return self._made.remove(sequence, start, None)

    def decode(self, streams: Sequence[Part]) -> Logits:
        """The rows of members, in order. As `Context.decode`."""
        return self._made.decode(joined(streams))

    def agrees(self, found: Logits, own: Logits) -> bool:
        """Whether its logits are those of the own contexts: they are then trusted."""
        self.trusted = mean_divergence(own, found) <= self._tolerance
        return self.trusted

    def set_threads(self, count: int) -> None:
        self._threads = count
        if self._context:
            self._context.set_threads(count)

    def close(self) -> None:
        if self._context:
            self._context.close()
            self._context = None

    @property
    def _made(self) -> Context:
        if self._context is None:
            raise EngineFailed("engines.closed")
        return self._context

    def _move(self, state: bytearray, target: Context, sequence: int) -> None:
        if is_empty(state):
            return
        if self._turns:
            turn_values(state)
        target.restore(sequence, memoryview(state))


def _needed(streams: Sequence[Part]) -> int:
    return sum(part.end + SPARE for part in streams)
