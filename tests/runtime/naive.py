"""What the scheduler drives, as plain lists: an engine's cache, and the shelf for what it gives up."""

from collections.abc import Sequence
from dataclasses import dataclass

from samovar.runtime.cells import common
from samovar.runtime.jobs import Copy, Plan, Remove, Restore, Save, Shift
from samovar.runtime.scheduler import Scheduler
from samovar.runtime.shelf import Found


@dataclass(frozen=True)
class Numbered(Found):
    number: int


class NaiveShelf:
    """Everything that was ever saved, by who saved it."""

    def __init__(self, *, cuttable: bool = True) -> None:
        self.entries: list[tuple[str, tuple[int, ...]]] = []
        self.cuttable = cuttable

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:
        found = [
            Numbered(shared, len(entry), i)
            for i, (owner, entry) in enumerate(self.entries)
            if owner == tenant
            and (shared := common(entry, tuple(tokens)))
            and (self.cuttable or shared == len(entry))
        ]
        return max(found, key=lambda f: f.shared, default=None)

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:
        return any(owner == tenant and entry[: len(tokens)] == tuple(tokens) for owner, entry in self.entries)


@dataclass(eq=False)
class NaiveCell:
    position: int
    token: int


class NaiveEngine:
    """A KV cache as cells with a position and a token, which copies share: moved for one, they are moved for all.
    Refuses what a real one would get wrong."""

    def __init__(self, sequences: int, shelf: NaiveShelf | None = None) -> None:
        self.cells: list[list[NaiveCell]] = [[] for _ in range(sequences)]
        self.kept: dict[int, list[int]] = {}
        self.shelf = shelf or NaiveShelf()

    def placed(self, sequence: int) -> list[tuple[int, int]]:
        """(position, token) of what the sequence holds, in order of positions."""
        return sorted((cell.position, cell.token) for cell in self.cells[sequence])

    def tokens(self, sequence: int) -> list[int]:
        """What the sequence holds, where that is a text from its beginning."""
        placed = self.placed(sequence)
        assert [position for position, _ in placed] == list(range(len(placed)))
        return [token for _, token in placed]

    def run(self, plan: Plan, scheduler: Scheduler, *, flaky: bool = False) -> None:
        for op in plan.ops:
            match op:
                case Remove(sequence, start, end):
                    inside = self._between(sequence, start, end)
                    self.cells[sequence] = [cell for cell in self.cells[sequence] if cell not in inside]
                case Shift(sequence, start, end, by):
                    self._shift(sequence, start, end, by)
                case Save(sequence, tokens, tenant, _):
                    assert tuple(self.tokens(sequence)) == tokens
                    self.shelf.entries.append((tenant, tokens))
                case Restore(job, sequence, found):
                    assert isinstance(found, Numbered)
                    assert not self.cells[sequence]
                    if not flaky:
                        self._append(sequence, self.shelf.entries[found.number][1][: found.shared])
                    scheduler.restored(job, worked=not flaky)
                case Copy(source, target, end, start):
                    assert len(self.tokens(target)) == start
                    copied = self._between(source, start, end)
                    assert len(copied) == end - start
                    self.cells[target] += copied
                    self.kept[target] = [] if start else self.kept.get(source, [])
        for work in plan.work:
            assert work.start == len(self.tokens(work.sequence))
            assert work.count or self.kept[work.sequence] == work.job.tokens, (
                "the logits are those after its tokens"
            )
            self._append(work.sequence, work.job.tokens[work.start : work.start + work.count] + work.guesses)

    def _between(self, sequence: int, start: int, end: int | None) -> list[NaiveCell]:
        cells = self.cells[sequence]
        return [cell for cell in cells if start <= cell.position and (end is None or cell.position < end)]

    def _append(self, sequence: int, tokens: Sequence[int]) -> None:
        first = len(self.cells[sequence])
        self.cells[sequence] += [NaiveCell(first + i, token) for i, token in enumerate(tokens)]

    def _shift(self, sequence: int, start: int, end: int, by: int) -> None:
        moved = self._between(sequence, start, end)
        assert len(moved) == end - start
        for cell in moved:
            cell.position += by
        positions = [position for position, _ in self.placed(sequence)]
        assert len(set(positions)) == len(positions), "two tokens at one place"
        assert min(positions) >= 0
