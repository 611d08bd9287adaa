"""The caches in memory: under a budget, least recently used out first, those of pinned sessions last.

Not thread-safe: `Tiers` guards it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from samovar.runtime.kv.index import Hit, Index
from samovar.runtime.kv.labels import Entry, Label
from samovar.runtime.kv.losses import Losses

Pace = Literal["busy", "idle", "closing"]
"""What the engine is doing, which says what may be copied to disk."""

_MARGIN = 4
"""What would go if a quarter of the budget were needed is copied to disk even while the engine works: it is rarely
much, and what is not on disk when its place is needed has to be computed again."""


@dataclass(eq=False)
class _Held:
    """`offered`: it is on disk, or the disk has had its chance."""

    entry: Entry
    offered: bool


class RamTier:
    """`budget`: bytes; 0 keeps nothing. `used` never exceeds it. `losses`: what made room for others, also
    where the disk has it."""

    def __init__(self, budget: int, *, cuttable: bool = True) -> None:
        self.budget = budget
        self.margin = budget // _MARGIN
        self.used = 0
        self.losses = Losses()
        self._index = Index(cuttable=cuttable)
        self._held: dict[str, _Held] = {}
        self._pinned: frozenset[str] = frozenset()

    @property
    def entries(self) -> int:
        return len(self._held)

    def __contains__(self, entry: Entry) -> bool:
        """Whether this very entry is here, not another one of its tokens."""
        held = self._held.get(entry.label.name)
        return held is not None and held.entry is entry

    def longest(self, key: bytes, tenant: str) -> Hit | None:
        return self._index.longest(key, tenant)

    def covering(self, key: bytes, tenant: str) -> Label | None:
        return self._index.covering(key, tenant)

    def serving(self, label: Label) -> Label | None:
        return self._index.serving(label)

    def size(self, label: Label) -> int:
        """Bytes of its blob; 0 where it is not there."""
        held = self._held.get(label.name)
        return len(held.entry.blob) if held else 0

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(self._index)

    def pin(self, sessions: Iterable[str]) -> None:
        self._pinned = frozenset(sessions)

    def forget(self, session: str) -> None:
        for held in [held for held in self._held.values() if held.entry.label.session == session]:
            self._give_up(held)

    def use(self, label: Label) -> Entry | None:
        """The entry, which is now the most recently used; None where it has gone."""
        held = self._held.pop(label.name, None)
        if held is None:
            return None
        self._held[label.name] = held
        return held.entry

    def put(self, entry: Entry) -> list[Entry]:
        """Takes `entry` in and whatever must go for it out. Returns what there is no place for (`entry` itself,
        where it is larger than the budget) and the disk has had no chance with."""
        if entry.size > self.budget:
            return [entry]
        return [held.entry for held in self._take_in(entry, list(self._going()), offered=False) if not held.offered]

    def promote(self, entry: Entry, on_disk: Callable[[Label], bool]) -> None:
        """As `put` for what is on disk, where nothing must go for it but what is on disk too and not pinned."""
        if self.serving(entry.label) is not None:
            return
        spare = [held for held in self._going() if not self._is_pinned(held) and on_disk(held.entry.label)]
        if entry.size <= self.budget - self.used + sum(held.entry.size for held in spare):
            self._take_in(entry, spare, offered=True)

    def unwritten(self, pace: Pace) -> Entry | None:
        """What is to be copied to disk next: while busy only what may soon have to go, at the end the most recently
        used first."""
        order = list(self._endangered() if pace == "busy" else self._going())
        if pace == "closing":
            order.reverse()
        return next((held.entry for held in order if not held.offered), None)

    def endangered(self, entry: Entry) -> bool:
        """Whether it may soon have to go."""
        return any(held.entry is entry for held in self._endangered())

    def offered(self, label: Label) -> None:
        """The disk has had its chance with it."""
        if label.name in self._held:
            self._held[label.name].offered = True

    def _take_in(self, entry: Entry, going: list[_Held], *, offered: bool) -> list[_Held]:
        """Returns what had to go, of `going` in its order."""
        outdone = [self._held.pop(label.name) for label in self._index.add(entry.label)]
        self.used -= sum(held.entry.size for held in outdone)
        gone = []
        for held in going:
            if entry.size <= self.budget - self.used:
                break
            if held not in outdone:
                self._give_up(held)
                gone.append(held)
        self.losses.add(held.entry.size for held in gone)
        self._held[entry.label.name] = _Held(entry, offered)
        self.used += entry.size
        return gone

    def _give_up(self, held: _Held) -> None:
        del self._held[held.entry.label.name]
        self._index.remove(held.entry.label)
        self.used -= held.entry.size

    def _going(self) -> Iterator[_Held]:
        """In the order in which they have to go."""
        return iter(sorted(self._held.values(), key=self._is_pinned))

    def _endangered(self) -> Iterator[_Held]:
        """What is pinned can wait: as a rule it makes room itself, by growing."""
        room = self.budget - self.used
        for held in self._going():
            if room >= self.margin or self._is_pinned(held):
                return
            yield held
            room += held.entry.size

    def _is_pinned(self, held: _Held) -> bool:
        return held.entry.label.session in self._pinned
