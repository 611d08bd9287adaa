"""The tiers as one: what was computed is found in memory or on disk, whichever holds the longest prefix.

Entries are not consumed by use: two conversations that fork from one prefix both profit. Owned by one thread, the
generation loop's; the writer's thread beside it is never waited for except at the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from samovar.core.engine import Note
from samovar.runtime.kv.disk import DiskTier
from samovar.runtime.kv.labels import Entry, Label, key_of
from samovar.runtime.kv.losses import Losses, Lost
from samovar.runtime.kv.ram import RamTier
from samovar.runtime.kv.writer import Writer

if TYPE_CHECKING:
    from samovar.runtime.kv.labels import Tokens


TierName = Literal["ram", "disk"]


@dataclass(frozen=True)
class Match:
    """The first `shared` tokens of what was looked for are the first of this entry. `size`: bytes of its blob."""

    label: Label
    shared: int
    tier: TierName
    size: int

    @property
    def length(self) -> int:
        """Tokens of the whole entry."""
        return len(self.label)

    @property
    def note(self) -> bytes:
        return self.label.note


class TierSizes(msgspec.Struct, frozen=True):
    """What the tiers hold now, and may: entries and bytes. On disk the bytes are those of all models, the entries
    those of this one."""

    ram_entries: int
    ram_bytes: int
    ram_budget: int
    disk_entries: int = 0
    disk_bytes: int = 0
    disk_budget: int = 0


class Tiers:
    """See the module's first lines. Both tiers are cuttable, or neither is."""

    def __init__(
        self, ram: RamTier, disk: DiskTier | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ram = ram
        self._disk = disk
        self._changed = threading.Condition()
        self._writer = Writer(ram, disk, self._changed, clock) if disk else None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a person should know: that the disk cannot be used, and why. Said once, at the start or later."""
        return self._disk.notes if self._disk else ()

    @property
    def sizes(self) -> TierSizes:
        """Looks at every file of the folder: not for every token."""
        ram, disk = self._ram, self._disk
        of_disk = (disk.entries, disk.used, disk.budget) if disk else (0, 0, 0)
        return TierSizes(ram.entries, ram.used, ram.budget, *of_disk)

    def lost(self) -> dict[TierName, Lost]:
        """What each tier has given up to make room, since this was last asked."""
        tiers: dict[TierName, Losses] = {"ram": self._ram.losses}
        if self._disk:
            tiers["disk"] = self._disk.losses
        return {name: losses.take() for name, losses in tiers.items()}

    @property
    def labels(self) -> tuple[Label, ...]:
        """What is held in either tier."""
        with self._changed:
            near = self._ram.labels
        return (*near, *(self._disk.labels if self._disk else ()))

    def longest(self, tokens: Tokens, tenant: str = "") -> Match | None:
        """The entry of `tenant` that begins with most of `tokens`; where caches cannot be cut, the longest one that
        `tokens` begins with. On a tie the one in memory. Takes the logarithm of the number of entries."""
        key = key_of(tokens)
        with self._changed:
            near = self._ram.longest(key, tenant)
        far = self._disk.longest(key, tenant) if self._disk else None
        if near and (far is None or near.shared >= far.shared):
            return Match(near.label, near.shared, "ram", self._ram.size(near.label))
        if self._disk and far:
            return Match(far.label, far.shared, "disk", self._disk.size(far.label))
        return None

    def covers(self, tokens: Tokens, tenant: str = "") -> bool:
        """Whether `put` of a cache after `tokens` would be for nothing."""
        key = key_of(tokens)
        with self._changed:
            near = self._ram.covering(key, tenant)
        return near is not None or (self._disk is not None and self._disk.covering(key, tenant) is not None)

    def fetch(self, match: Match) -> bytes | None:
        """The blob, which counts as used now; from disk it comes into memory too, where that drops nothing that is
        not on disk. None where it has gone or is damaged: `longest` then finds the next best."""
        with self._changed:
            entry = self._ram.use(match.label)
            self._changed.notify_all()
        if self._disk is None:
            return entry.blob if entry else None
        if entry:
            self._disk.touch(match.label)
            return entry.blob
        entry = self._disk.use(match.label)
        if entry:
            with self._changed:
                self._ram.promote(entry, self._disk.serves)
                self._changed.notify_all()
        return entry.blob if entry else None

    def put(self, entry: Entry) -> None:
        """Keeps `entry`, unless what is there does all that it would; what it makes redundant goes."""
        with self._changed:
            redundant = not len(entry.label) or self._serves(entry.label)
            leaving = [] if redundant else self._ram.put(entry)
            self._changed.notify_all()
        if self._writer:
            self._writer.pass_on(leaving)

    def pin(self, sessions: Iterable[str]) -> None:
        """From now on the entries of these sessions, and of no others, go last."""
        sessions = frozenset(sessions)
        with self._changed:
            self._ram.pin(sessions)
            self._changed.notify_all()
        if self._disk:
            self._disk.pin(sessions)

    def forget(self, session: str) -> None:
        """Removes all entries of the session from both tiers."""
        with self._changed:
            self._ram.forget(session)
            self._changed.notify_all()
        if self._writer:
            self._writer.forget(session)
        if self._disk:
            self._disk.forget(session)

    def allow(self) -> None:
        """The engine is idle: everything may be copied to disk."""
        if self._writer:
            self._writer.set_pace("idle")

    def hold(self) -> None:
        """The engine works: only what may soon have to leave memory is copied to disk."""
        if self._writer:
            self._writer.set_pace("busy")

    def settled(self, seconds: float) -> bool:
        """Returns when all that may be written now has been; False where it took longer."""
        return self._writer is None or self._writer.settled(seconds)

    def close(self, seconds: float) -> None:
        """Writes what is not yet on disk, the most recently used first, for so many seconds at most."""
        if self._writer:
            self._writer.close(seconds)

    def _serves(self, label: Label) -> bool:
        """Whether another entry does all that one with `label` would; that one then counts as used."""
        near = self._ram.serving(label)
        far = self._disk.serving(label) if self._disk else None
        if near:
            self._ram.use(near)
        if self._disk and far:
            self._disk.touch(far)
        return near is not None or far is not None


def open_tiers(folder: str, cache_id: str, *, ram: int, disk: int, cuttable: bool = True) -> Tiers:
    """The tiers of one loaded model: budgets in bytes, 0 for none; `folder`: the home's folder of caches, "" for
    none; `cache_id` and `cuttable` as the engine says them. Reads the heads of what is on disk."""
    kept = DiskTier(Path(folder), cache_id, disk, cuttable=cuttable) if folder and disk > 0 else None
    return Tiers(RamTier(ram, cuttable=cuttable), kept)
