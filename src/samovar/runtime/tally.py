"""The front's sums of what the workers of one model counted, over their deaths and reloads."""

from __future__ import annotations

from dataclasses import dataclass, field

from samovar.runtime.counts import Counts


@dataclass
class Tally:
    """`crashes`: workers that ended without being told to; `evicted`: those that were, for another model's sake."""

    counts: Counts = field(default_factory=Counts)
    crashes: int = 0
    evicted: int = 0

    def add(self, counts: Counts) -> None:
        self.counts = self.counts + counts
