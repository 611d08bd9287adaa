"""How many threads draw tokens now: fewer while other processes take the cores, all again when they are free.

A pure policy over the durations of steps: reads no clock and touches no engine (`runtime.pacer` does). The threads
of a matrix product wait for the last of them, so that one that shares its core with another process slows all. What
is better at this moment is never concluded, only tried: a few steps with another number of threads, compared with
the steps before. A trial that was of no use is not repeated before its cost is a small share of the time since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

Step = tuple[float, int]
"""Seconds, and how many tokens were computed in them."""

WINDOW, ALARM, TRIAL = 8, 3, 5
"""Steps that say how fast it goes, that say so when each of them is far too slow, and of one trial; the slowest of
them is left out."""
SLOWER, FAR_SLOWER, FASTER, HOPELESS = 1.25, 2.0, 0.95, 1.5
"""Times the usual duration: what is worth a trial, what is at once, what makes a trial's number the new one, what
ends a trial."""
DRIFT = 1.001
"""A step's usual duration may grow by this factor from step to step, as the cache it attends to does."""
PATIENCE, LONGEST, PRICE, ROOM_PRICE = 0.25, 60.0, 100.0, 20.0
"""Seconds between trials: at least, at most, times what the last one lost, and times that while there is room."""


def levels(most: int) -> tuple[int, ...]:
    """The numbers of threads that are worth trying, from `most` down to 1: one less for one busy process, then
    quarters."""
    return tuple(sorted({most, most - 1, 3 * most // 4, most // 2, most // 4, 1} - {0}, reverse=True))


class ThreadPolicy:
    """`observe` each step of drawing; `threads` is the number for the next one, never above `most`. `room`: whether
    some of the processor's time lies idle, so that more threads may soon be worth another trial."""

    def __init__(self, most: int) -> None:
        self._levels = levels(most)
        self._level = 0
        self._usual: dict[int, float] = {}
        self._recent: deque[Step] = deque(maxlen=WINDOW)
        self._normal = 0.0
        self._trial: _Trial | None = None
        self._since, self._lost = PATIENCE, 0.0
        self.room = False

    @property
    def threads(self) -> int:
        return self._levels[self._trial.level if self._trial else self._level]

    def observe(self, seconds: float, tokens: int) -> None:
        """A step over `tokens` tokens took `seconds` with `threads` threads."""
        usual = self._usual.get(tokens)
        self._usual[tokens] = max(seconds if usual is None else min(seconds, usual * DRIFT), 1e-9)
        if usual is None or len(self._levels) == 1:
            return
        self._since += seconds
        if self._trial:
            self._trial.steps.append((seconds, tokens))
            self._judge(self._trial)
        else:
            self._recent.append((seconds, tokens))
            self._watch(seconds / self._usual[tokens])

    def _watch(self, relative: float) -> None:
        """After a step that took so many times what is usual: one that was not slow itself begins no trial."""
        price = ROOM_PRICE if self.room else PRICE
        if self._since < min(max(self._lost * price, PATIENCE), LONGEST):
            return
        slow = relative > SLOWER * self._normal and self._is_slow()
        if self._level + 1 < len(self._levels) and slow:
            self._trial = _Trial(self._level + 1)
        elif self._level > 0 and len(self._recent) == WINDOW:
            self._trial = _Trial(self._level - 1)

    def _is_slow(self) -> bool:
        recent = self._relative(self._recent)
        if len(recent) == WINDOW:
            return self._slowdown(self._recent) > SLOWER * self._normal
        return len(recent) >= ALARM and min(recent[-ALARM:]) > FAR_SLOWER * self._normal

    def _judge(self, trial: _Trial) -> None:
        present = self._slowdown(self._recent)
        hopeless = sum(self._relative(trial.steps)) > HOPELESS * TRIAL * present
        if len(trial.steps) < TRIAL and not hopeless:
            return
        lost = trial.lost + sum(seconds - present * self._usual[tokens] for seconds, tokens in trial.steps)
        if not hopeless and self._slowdown(trial.steps) < FASTER * present:
            self._settle(trial.level, self._slowdown(trial.steps))
        elif self._level < trial.level < len(self._levels) - 1 and not hopeless:
            # More processes than one may be in the way.
            self._trial = _Trial(trial.level + 1, lost)
        else:
            self._settle(self._level, present, lost)

    def _settle(self, level: int, normal: float, lost: float = 0.0) -> None:
        self._trial, self._level, self._normal = None, level, normal
        self._recent.clear()
        self._since, self._lost = 0.0, lost

    def _slowdown(self, steps: Iterable[Step]) -> float:
        """What steps took in terms of what is usual for their size. The mean without the largest: one hiccup of the
        machine says nothing about the threads."""
        relative = self._relative(steps)
        return (sum(relative) - max(relative)) / (len(relative) - 1)

    def _relative(self, steps: Iterable[Step]) -> list[float]:
        return [seconds / self._usual[tokens] for seconds, tokens in steps]


@dataclass
class _Trial:
    """Steps at another level; `lost`: seconds that the levels tried before it cost."""

    level: int
    lost: float = 0.0
    steps: list[Step] = field(default_factory=list)
