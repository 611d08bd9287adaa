"""What the fleet asks of others: the seams at which tests put fakes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from samovar.core.engine import LoadSpec
from samovar.core.library import InstalledModel, Own
from samovar.core.rope import Context
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.tally import Tally
from samovar.runtime.trust import Verdict
from samovar.services.fleet.timers import Later

SHORT_STAY = 300.0
"""Seconds that a model stays loaded when nobody uses it and nobody has said otherwise."""
FOR_EVER = -1.0
MOST_MODELS = 3


class Plans(Protocol):
    """How models are to be loaded. Blocks."""

    def budget(self, held: int = 0) -> int:
        """Bytes that all models may take together, of which those that are loaded hold `held` now."""
        ...

    def own(self, model: str) -> Own:
        """What the model has of its own beside its context."""
        ...

    def plan(self, model: InstalledModel, context: Context | None = None, available: int | None = None) -> LoadSpec:
        """How to load it into `available` bytes. Raises NotEnoughMemory, and what else a load may fail with."""
        ...


class Verdicts(Protocol):
    """What was learnt about computing a model."""

    async def recall(self, spec: LoadSpec) -> Verdict: ...

    async def remember(self, spec: LoadSpec, verdict: Verdict) -> None: ...


@dataclass(frozen=True)
class Rules:
    """`most`: models that may be loaded at once. `stay`: seconds that the named model stays when nobody uses it and
    its last request said nothing about that, negative for ever. `clock`: Unix seconds; `later` calls after so many
    seconds, None: the event loop does. `tally`: where the named model's workers count. `supervise` makes what runs
    a model."""

    most: int = MOST_MODELS
    stay: Callable[[str], float] = lambda _: SHORT_STAY
    clock: Callable[[], float] = time.time
    later: Later | None = None
    tally: Callable[[str], Tally] = lambda _: Tally()
    supervise: Callable[[LoadSpec, Verdict, Path, Hooks], Supervisor] = Supervisor


USUAL_RULES = Rules()
