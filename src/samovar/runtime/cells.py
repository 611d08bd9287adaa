"""KV cells, counted as the engine counts them: a cell holds one position and may belong to several sequences.

Knows only integers. `Slot` mirrors one sequence of the engine's cache; `Cells` says how many cells are free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Cells:
    """A pool of `total` cells with reference counts."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = list(range(total - 1, -1, -1))
        self._owners = [0] * total

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self, count: int) -> list[int]:
        """`count` fresh cells. The caller has seen that so many are free."""
        taken = [self._free.pop() for _ in range(count)]
        for cell in taken:
            self._owners[cell] = 1
        return taken

    def share(self, cells: Iterable[int]) -> None:
        for cell in cells:
            self._owners[cell] += 1

    def unshared(self, cells: Iterable[int]) -> bool:
        """Whether each of `cells` belongs to one sequence only."""
        return all(self._owners[cell] == 1 for cell in cells)

    def release(self, cells: Iterable[int]) -> None:
        for cell in cells:
            self._owners[cell] -= 1
            if self._owners[cell] == 0:
                self._free.append(cell)


class Slot:
    """One sequence of the engine: the tokens whose keys and values it holds, position by position.

    `asked`: how many of them were the prompt of its last request; what follows is an answer. `known`: after how
    many of them the logits are kept, 0 where they are not. `tenant`, `session`: whose tokens they are. `restoring`:
    they are on their way from the shelf. `last`: the tokens of the last request, also where they are held no
    longer. `saved`: how many of them were offered to it. `fleeting`: they were read ahead for nobody's session, and
    the shelf is not to have them. `exact`: how many of them are just as if they had been computed here, None: all;
    those behind were moved there (`inserting`), or computed with such in view.
    """

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.tokens: list[int] = []
        self.cells: list[int] = []
        self.last: list[int] = []
        self.asked = 0
        self.known = 0
        self.saved = 0
        self.exact: int | None = None
        self.tenant = ""
        self.session = ""
        self.busy = False
        self.restoring = False
        self.fleeting = False
        self.used_at = 0

    def doubtful(self, count: int) -> int:
        """How many of the first `count` tokens are not `exact`."""
        return 0 if self.exact is None else max(count - self.exact, 0)


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    limit = min(len(one), len(other))
    if one[:limit] == other[:limit]:
        return limit
    return next(i for i in range(limit) if one[i] != other[i])
