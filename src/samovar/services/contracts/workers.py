"""What the workers hold and have done, for those who watch the server or keep prompts by name."""

from __future__ import annotations

from typing import Protocol

import msgspec

from samovar.runtime.counts import Counts, SlotState, WorkerState


class Reading(msgspec.Struct, frozen=True):
    """What the workers of one model have counted since the server started, how often they crashed, and how often
    they were ended to make room for another model; what the one that runs holds, and the bytes of memory that it
    has; None and 0 where none runs."""

    model: str
    counts: Counts
    crashes: int
    state: WorkerState | None
    memory: int
    evicted: int = 0


class Gauges(Protocol):
    """Counts and states, for those who watch the server."""

    async def read(self) -> tuple[Reading, ...]: ...


class Kept(msgspec.Struct, frozen=True):
    """`tokens` of what `slot` was last asked and answered, saved in or restored from a file of `size` bytes."""

    slot: int
    tokens: int
    size: int


class Slots(Protocol):
    """The sequences of a loaded model (the named one, else the page's), as far as a tenant may know of them, and
    what was kept of them by name. Loads none: raises NotFound where it is not loaded."""

    async def listed(self, tenant: str, model: str | None = None) -> tuple[SlotState, ...]:
        """Of what others have there only that it is busy; none where the model is not loaded."""
        ...

    async def save(self, slot: int, name: str, tenant: str, model: str | None = None) -> Kept:
        """Keeps the tokens of the slot's last request under a name, per model and tenant. Raises NotFound where it
        has none, InvalidInput for a name that cannot be one, StorageFailed."""
        ...

    async def restore(self, name: str, tenant: str, model: str | None = None) -> Kept:
        """Sees that what was saved is in the cache again, in whichever slot. Raises NotFound, as
        `Answers.start` does."""
        ...

    async def erase(self, slot: int, tenant: str, model: str | None = None) -> int:
        """Empties the slot: how many tokens it held. Exported caches stay. Raises NotFound, Conflict while it
        answers."""
        ...
