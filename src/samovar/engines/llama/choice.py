"""How many threads to try, and to take, by what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping

ENOUGH = 1.03
"""Fewer threads are as good while they take at most so much longer: they leave cores to others."""


def thread_counts(physical: int, logical: int) -> tuple[int, ...]:
    """The counts to try, the likeliest first. Drawing waits for memory, which fewer cores may saturate; two threads
    on one core are slower each."""
    counts = (physical, physical // 2, 3 * physical // 4, logical)
    return tuple(dict.fromkeys(count for count in counts if count))


def fewest(seconds: Mapping[int, float]) -> int:
    """The smallest number of threads that is about as fast as the best. `seconds` by number of threads."""
    best = min(seconds.values())
    return min(count for count, taken in seconds.items() if taken <= ENOUGH * best)
