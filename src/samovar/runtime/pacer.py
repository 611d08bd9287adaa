"""Has an engine compute each batch with the threads that are fastest for it now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import psutil

from samovar.core.engine import Batch, Engine
from samovar.runtime.threads import ThreadPolicy

if TYPE_CHECKING:
    from samovar.core.engine import Logits


GLANCE, IDLE = 0.25, 0.5
"""Seconds between two looks at how much of the processor lies idle, and the cores of it that are room for more."""


def idle_seconds() -> float:
    """What the cores were idle since the machine was started, all together."""
    return float(psutil.cpu_times().idle)


class Pacer:
    """Prompts get the engine's `prompt_threads`; steps that draw what the policy says. `clock`, `idle`: seconds."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float] = time.perf_counter,
        idle: Callable[[], float] = idle_seconds,
    ) -> None:
        info = engine.info
        self._engine = engine
        self._clock = clock
        self._most = info.threads if info.capabilities.can_set_threads else 1
        self._policy = ThreadPolicy(self._most)
        self._prompt_threads = info.prompt_threads or info.threads
        self._able = info.capabilities.can_set_threads
        self._idle = idle
        self._looked = 0.0
        self._was_idle = 0.0

    def decode(self, batch: Batch, *, draws: bool) -> Logits:
        """As `Engine.decode`. `draws`: the batch has the newest tokens of streams, and nothing of prompts."""
        if not (draws and self._able and batch.tokens):
            self._use(self._prompt_threads)
            return self._engine.decode(batch)
        self._use(self._policy.threads)
        began = self._clock()
        rows = self._engine.decode(batch)
        now = self._clock()
        self._policy.observe(now - began, len(batch.tokens))
        if self._policy.threads < self._most and now - self._looked >= GLANCE:
            self._glance(now)
        return rows

    def embed(self, tokens: Sequence[int], *, start: int, length: int) -> Logits:
        """As `Engine.embed`."""
        self._use(self._prompt_threads)
        return self._engine.embed(tokens, start=start, length=length)

    def _glance(self, now: float) -> None:
        """Sees whether the cores that threads were taken from are free again."""
        idle = self._idle()
        self._policy.room = self._looked > 0 and idle - self._was_idle > IDLE * (now - self._looked)
        self._looked, self._was_idle = now, idle

    def _use(self, threads: int) -> None:
        if self._able:
            self._engine.set_threads(threads)
