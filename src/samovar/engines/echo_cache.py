"""The echo engine's KV cache: the token at each position of each sequence, in counted cells that copies share."""

from __future__ import annotations

from collections.abc import Iterable

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed


class EchoCache:
    """`cells` cells for `parallel` sequences; a cell holds one token and may belong to several sequences."""

    def __init__(self, parallel: int, cells: int) -> None:
        self._held: list[dict[int, int]] = [{} for _ in range(parallel)]
        self._tokens = [0] * cells
        self._owners = [0] * cells
        self._free = list(range(cells - 1, -1, -1))

    def end(self, sequence: int) -> int:
        """The next position of `sequence`."""
        return max(self._held[sequence], default=-1) + 1

    def tokens(self, sequence: int, end: int) -> list[int]:
        """Tokens at positions below `end`, in order."""
        held = self._held[sequence]
        return [self._tokens[held[position]] for position in sorted(held) if position < end]

    def append(self, batch: Batch) -> None:
        """Puts a checked batch into cells. Raises EngineFailed, changing nothing, where they do not suffice."""
        self._need(len(batch.tokens))
        for token, position, sequence in zip(batch.tokens, batch.positions, batch.sequences, strict=True):
            self._put(sequence, position, token)

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        for position, cell in list(self._held[source].items()):
            if start <= position < end:
                self._held[target][position] = cell
                self._owners[cell] += 1

    def remove(self, sequence: int, start: int, end: int | None) -> None:
        held = self._held[sequence]
        for position in [p for p in held if p >= start and (end is None or p < end)]:
            self._release(held.pop(position))

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        """Moves positions [start, end). Raises EngineFailed, changing nothing, where two would meet or pass 0."""
        held = self._held[sequence]
        moved = {p + by: cell for p, cell in held.items() if start <= p < end}
        rest = {p: cell for p, cell in held.items() if not start <= p < end}
        if moved.keys() & rest.keys() or min(moved, default=0) < 0:
            raise EngineFailed("engines.shift_collides", sequence=sequence, start=start, end=end, by=by)
        self._held[sequence] = rest | moved

    def dump(self, sequence: int) -> list[tuple[int, int]]:
        """(position, token) in order."""
        return [(position, self._tokens[cell]) for position, cell in sorted(self._held[sequence].items())]

    def load(self, sequence: int, entries: Iterable[tuple[int, int]]) -> None:
        entries = list(entries)
        self._must_be_empty(sequence)
        self._need(len(entries))
        for position, token in entries:
            self._put(sequence, position, token)

    def _put(self, sequence: int, position: int, token: int) -> None:
        cell = self._free.pop()
        self._tokens[cell], self._owners[cell] = token, 1
        self._held[sequence][position] = cell

    def _release(self, cell: int) -> None:
        self._owners[cell] -= 1
        if self._owners[cell] == 0:
            self._free.append(cell)

    def _need(self, count: int) -> None:
        if count > len(self._free):
            raise EngineFailed("engines.no_cells", needed=count, free=len(self._free))

    def _must_be_empty(self, sequence: int) -> None:
        if self._held[sequence]:
            raise EngineFailed("engines.not_empty", sequence=sequence)
