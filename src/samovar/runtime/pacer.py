"""Has an engine compute each batch with the threads that are fastest for it now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from samovar.core.engine import Batch, Engine
from samovar.runtime.threads import ThreadPolicy

if TYPE_CHECKING:
    from samovar.core.engine import Logits


class Pacer:
    """Prompts get the engine's `prompt_threads`; steps that draw what the policy says. `clock`: seconds."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.perf_counter) -> None:
        info = engine.info
        self._engine = engine
        self._clock = clock
        self._policy = ThreadPolicy(info.threads if info.capabilities.can_set_threads else 1)
        self._prompt_threads = info.prompt_threads or info.threads
        self._able = info.capabilities.can_set_threads

    def decode(self, batch: Batch, *, draws: bool) -> Logits:
        """As `Engine.decode`. `draws`: the batch has the newest tokens of streams, and nothing of prompts."""
        if not (draws and self._able and batch.tokens):
            self._use(self._prompt_threads)
            return self._engine.decode(batch)
        self._use(self._policy.threads)
        began = self._clock()
        rows = self._engine.decode(batch)
        self._policy.observe(self._clock() - began, len(batch.tokens))
        return rows

    def _use(self, threads: int) -> None:
        if self._able:
            self._engine.set_threads(threads)
