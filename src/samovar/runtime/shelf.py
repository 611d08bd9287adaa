"""Where caches lie that no sequence holds: what the scheduler and the loop must know of the KV tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from samovar.runtime.counts import NO_COUNTS, Counts
from samovar.runtime.kv import Entry, Label, Match, Tiers, TierSizes


@dataclass(frozen=True)
class Found:
    """Of an entry's `length` tokens, the first `shared` are the beginning that was asked for."""

    shared: int
    length: int

    @property
    def tier(self) -> Literal["ram", "disk"]:
        return "ram"


class Shelf(Protocol):
    """What the scheduler asks."""

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:
        """The entry of `tenant` that shares the longest beginning with `tokens`, of those that can be used."""
        ...

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:
        """Whether an entry of `tenant` begins with all of `tokens`."""
        ...


class Store(Shelf, Protocol):
    """What the loop does."""

    def fetch(self, found: Found) -> bytes | None:
        """The exported sequence; None where it is gone, or was damaged."""
        ...

    def put(self, label: Label, blob: bytes) -> None:
        """Keeps an exported sequence, as long as the budgets allow."""
        ...

    def pin(self, sessions: tuple[str, ...]) -> None:
        """From now on the entries of these sessions, and of no others, go last."""
        ...

    def forget(self, session: str) -> None:
        """Removes the entries of the session."""
        ...

    def labels(self) -> Sequence[Label]:
        """What is there."""
        ...

    def sizes(self) -> TierSizes:
        """How much is there, and may be."""
        ...

    def counted(self) -> Counts:
        """What had to go since this was last asked."""
        ...


@dataclass(frozen=True)
class OnTier(Found):
    match: Match

    @property
    def tier(self) -> Literal["ram", "disk"]:
        return self.match.tier


class TierShelf:
    """A `Store` over the KV tiers."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:
        match = self._tiers.longest(tokens, tenant)
        return OnTier(match.shared, match.length, match) if match else None

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:
        return self._tiers.covers(tokens, tenant)

    def fetch(self, found: Found) -> bytes | None:
        return self._tiers.fetch(found.match) if isinstance(found, OnTier) else None

    def put(self, label: Label, blob: bytes) -> None:
        self._tiers.put(Entry(label, blob))

    def pin(self, sessions: tuple[str, ...]) -> None:
        self._tiers.pin(sessions)

    def forget(self, session: str) -> None:
        self._tiers.forget(session)

    def labels(self) -> Sequence[Label]:
        return self._tiers.labels

    def sizes(self) -> TierSizes:
        return self._tiers.sizes

    def counted(self) -> Counts:
        lost = {tier: lost for tier, lost in self._tiers.lost().items() if lost.entries}
        return Counts(
            dropped={tier: lost.entries for tier, lost in lost.items()},
            dropped_bytes={tier: lost.bytes for tier, lost in lost.items()},
        )


class EmptyShelf:
    """A `Store` that keeps nothing."""

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:  # noqa: ARG002 - it has none
        return None

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:  # noqa: ARG002 - it has none
        return False

    def fetch(self, found: Found) -> bytes | None:  # noqa: ARG002 - it has none
        return None

    def put(self, label: Label, blob: bytes) -> None:
        pass

    def pin(self, sessions: tuple[str, ...]) -> None:
        pass

    def forget(self, session: str) -> None:
        pass

    def labels(self) -> Sequence[Label]:
        return ()

    def sizes(self) -> TierSizes:
        return TierSizes(0, 0, 0)

    def counted(self) -> Counts:
        return NO_COUNTS
