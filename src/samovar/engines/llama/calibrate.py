"""Measures the ways of computing a model against each other, in the first moments after its load.

Only contexts whose numbers were checked come here. Everything takes turns, and the least time counts: that of the
repetition which other processes disturbed least. Decides nothing (`choice` does).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import psutil

from samovar.core.engine import Batch, Pace, Setting
from samovar.core.pace import fastest
from samovar.engines.llama.choice import fewest
from samovar.engines.llama.contexts import AnyContext
from samovar.engines.llama.selfcheck import CELLS

DEPTH, PIECE, PIECES = 64, 24, (2, 10)
"""Tokens in the cache while tokens are drawn. A prompt that is read is of so many pieces of the smallest
micro-batch, which is not to be charged for a remainder."""
READING = 0.06
"""Seconds that reading a prompt should take at most."""
DRAWS, ROUNDS = 3, 5
"""Tokens drawn in one turn, of which the first wakes the threads up; turns of everything where time allows."""
DISTURBED = 0.5
"""Processor seconds a second that others may use while something is measured."""

Tick = Callable[[], None]
Disturbed = Callable[[], bool]


class Trial(Protocol):
    """A way of computing that can be timed: both give seconds."""

    @property
    def setting(self) -> Setting: ...

    def draw(self, threads: int) -> float:
        """To compute one token, at least."""
        ...

    def read(self, size: int, threads: int) -> float:
        """To compute `size` tokens at once."""
        ...


class ContextTrial:
    """A way of computing, and an empty context of at least CELLS cells that computes so."""

    def __init__(self, setting: Setting, context: AnyContext) -> None:
        self.setting = setting
        self._context = context
        self._end = 0
        self._compute(DEPTH)

    def draw(self, threads: int) -> float:
        self._context.set_threads(threads)
        return min(self._compute(1) for _ in range(DRAWS))

    def read(self, size: int, threads: int) -> float:
        self._context.set_threads(threads)
        return self._compute(size)

    def _compute(self, count: int) -> float:
        """Seconds to compute `count` more tokens, with the logits after the last one. The cache is then as it was;
        one that cannot be cut grows, and is emptied when it is full."""
        if self._end + count > CELLS:
            self._context.remove(0, 0, None)
            self._end = 0
        places = list(range(self._end, self._end + count))
        tokens = [place % self._context.vocab_size for place in places]
        batch = Batch(tokens, places, [0] * count, [False] * (count - 1) + [True])
        began = time.perf_counter()
        self._context.decode(batch)
        taken = time.perf_counter() - began
        if self._end < DEPTH or not self._context.remove(0, self._end, None):
            self._end += count
        return taken


def calibrate(
    trials: Sequence[Trial], counts: Sequence[int], seconds: float, tick: Tick, disturbed: Disturbed
) -> Pace | None:
    """The fastest of `trials` with the best of the thread `counts`; both likeliest first. None where other
    processes were in the way. The first ones are measured even if that takes longer than `seconds`. `tick` is
    called between measurements and may raise. The caches are not empty afterwards."""
    size = _prompt_size(trials[0], counts[0])
    if disturbed():
        return None
    by_count = _measure([(trials[0], count, count) for count in counts], size, Deadline(seconds / 2), tick)
    drawing = fewest({count: draw for count, (draw, _) in zip(counts, by_count, strict=False)})
    reading = fewest({count: read for count, (_, read) in zip(counts, by_count, strict=False)})
    by_trial = _measure([(trial, drawing, reading) for trial in trials], size, Deadline(seconds / 2), tick)
    paces = [
        Pace(trial.setting, drawing, reading, 1 / draw, size / read)
        for trial, (draw, read) in zip(trials, by_trial, strict=False)
    ]
    return None if disturbed() else fastest(paces)


def _measure(
    rivals: Sequence[tuple[Trial, int, int]], size: int, deadline: Deadline, tick: Tick
) -> list[tuple[float, float]]:
    """Least seconds to draw a token, and to read `size` tokens, of each rival: a trial, its threads for the one and
    for the other. The first one is measured, and those after it that there is time for."""
    found: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        for i, (trial, drawing, reading) in enumerate(rivals):
            if found and deadline.left <= 0:
                return found
            tick()
            taken = trial.draw(drawing), trial.read(size, reading)
            if i < len(found):
                found[i] = min(found[i][0], taken[0]), min(found[i][1], taken[1])
            else:
                found.append(taken)
    return found


def _prompt_size(trial: Trial, threads: int) -> int:
    fewest_pieces, most_pieces = PIECES
    per_piece = trial.read(fewest_pieces * PIECE, threads) / fewest_pieces
    return PIECE * max(fewest_pieces, min(most_pieces, int(READING / per_piece)))


class Deadline:
    """Seconds that may still be spent."""

    def __init__(self, seconds: float) -> None:
        self._until = time.perf_counter() + seconds

    @property
    def left(self) -> float:
        return self._until - time.perf_counter()


def watch_others() -> Disturbed:
    """Watches from now on: whether other processes use more of the processor than they may."""
    began, before, own = time.perf_counter(), _busy_seconds(), time.process_time()

    def disturbed() -> bool:
        theirs = _busy_seconds() - before - (time.process_time() - own)
        return theirs > DISTURBED * (time.perf_counter() - began)

    return disturbed


def _busy_seconds() -> float:
    """Processor seconds that were not idle since the system started, of all processes and other systems on it."""
    times = psutil.cpu_times()._asdict()
    # The time of guests is in that of users too.
    return float(
        sum(value for name, value in times.items() if name not in ("idle", "iowait", "guest", "guest_nice"))
    )
