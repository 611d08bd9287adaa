"""Which threads, and which of several right ways to compute, by what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samovar.core.engine import Pace

ENOUGH = 1.03
"""Fewer threads are as good while they take at most so much longer: they leave cores to others."""
CLEARLY = 0.95
"""A way of computing is preferred to those before it where a turn takes at most so much of the time. Measuring is
short and the context nearly empty, while the order of the ways is known from long ones."""


def thread_counts(physical: int, logical: int) -> tuple[int, ...]:
    """The counts to try, the likeliest first. Drawing waits for memory, which fewer cores may saturate; two threads
    on one core are slower each."""
    counts = (physical, physical // 2, 3 * physical // 4, logical)
    return tuple(dict.fromkeys(count for count in counts if count))


def fewest(seconds: Mapping[int, float]) -> int:
    """The smallest number of threads that is about as fast as the best. `seconds` by number of threads."""
    best = min(seconds.values())
    return min(count for count, taken in seconds.items() if taken <= ENOUGH * best)


def fastest(paces: Sequence[Pace]) -> Pace:
    """The first of them, unless a later one is clearly faster. At least one is given."""
    chosen = paces[0]
    for pace in paces[1:]:
        if pace.turn < CLEARLY * chosen.turn:
            chosen = pace
    return chosen
