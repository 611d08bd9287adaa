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


class NaiveEngine:
    """A KV cache as a list of tokens per sequence; refuses what a real one would get wrong."""

    def __init__(self, sequences: int, shelf: NaiveShelf | None = None) -> None:
        self.cache: list[list[int]] = [[] for _ in range(sequences)]
        self.kept: dict[int, list[int]] = {}
        self.shelf = shelf or NaiveShelf()

    def run(self, plan: Plan, scheduler: Scheduler, *, flaky: bool = False) -> None:
        for op in plan.ops:
            match op:
                case Remove(sequence, start, end):
                    del self.cache[sequence][start:end]
                case Shift(sequence, start, end, by):
                    assert by < 0 <= start + by
                    assert len(self.cache[sequence]) == end + by, "nothing lies behind what is moved"
                case Save(sequence, tokens, tenant, _):
                    assert tuple(self.cache[sequence]) == tokens
                    self.shelf.entries.append((tenant, tokens))
                case Restore(job, sequence, found):
                    assert isinstance(found, Numbered)
                    assert not self.cache[sequence]
                    if not flaky:
                        self.cache[sequence] = list(self.shelf.entries[found.number][1][: found.shared])
                    scheduler.restored(job, worked=not flaky)
                case Copy(source, target, end):
                    assert not self.cache[target]
                    assert end <= len(self.cache[source])
                    self.cache[target] = self.cache[source][:end]
                    self.kept[target] = self.kept.get(source, [])
        for work in plan.work:
            assert work.start == len(self.cache[work.sequence])
            assert work.count or self.kept[work.sequence] == work.job.tokens, (
                "the logits are those after its tokens"
            )
            self.cache[work.sequence] += work.job.tokens[work.start : work.start + work.count] + work.guesses
