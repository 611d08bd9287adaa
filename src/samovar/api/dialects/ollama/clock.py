"""When things happened, as Ollama's answers tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone


def stamp(seconds: float) -> str:
    """Unix seconds as RFC 3339, in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


@dataclass
class Clock:
    """Runs from the moment a request came. `wall`: Unix seconds; `tick`: nanoseconds from anywhere."""

    wall: Callable[[], float] = time.time
    tick: Callable[[], int] = time.perf_counter_ns
    _begun: int = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.tick()

    def now(self) -> str:
        return stamp(self.wall())

    @property
    def elapsed(self) -> int:
        """Nanoseconds since the request came."""
        return self.tick() - self._begun
