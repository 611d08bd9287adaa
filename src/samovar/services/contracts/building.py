"""What the layers above ask of the build of a library for this processor: a seam at which tests put fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from samovar.core.engine import Note
from samovar.core.errors import ErrorValue

BuildPhase = Literal["impossible", "available", "building", "ready", "failed"]


class BuildState(msgspec.Struct, frozen=True):
    """What becomes of the library that is compiled for this processor. `step` and `progress` (0 to 1) while it is;
    `obstacle` says why it cannot be, `error` why the last attempt failed. `gain`: how many times as fast as the
    prebuilt library the one that is there read a prompt."""

    state: BuildPhase
    step: str | None = None
    progress: float = 0.0
    obstacle: Note | None = None
    error: ErrorValue | None = None
    gain: float | None = None


class Building(Protocol):
    """The library that is compiled for this processor."""

    @property
    def state(self) -> BuildState: ...

    def watch(self) -> AsyncIterator[BuildState]:
        """The present state, then each change."""
        ...

    async def refresh(self) -> BuildState:
        """The state, looked up again where nothing is under way: a compiler may have been installed meanwhile."""
        ...

    async def start(self) -> BuildState:
        """Begins to build, anew where there is a library. Raises Conflict while it is built, Missing where this
        machine cannot."""
        ...

    async def stop(self) -> BuildState:
        """Ends a job that runs; nothing half-made stays."""
        ...
