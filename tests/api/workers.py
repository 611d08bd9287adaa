"""What a worker would say of itself, at the contracts of the services."""

from __future__ import annotations

from dataclasses import dataclass, field

from samovar.core.errors import NotFound
from samovar.runtime.counts import SlotState
from samovar.services.contracts import Kept, Reading


@dataclass
class FakeSlots:
    """`Slots` of two sequences: one that answers somebody else, one that holds what was saved."""

    saved: dict[tuple[str, str], int] = field(default_factory=dict)
    models: list[str | None] = field(default_factory=list)

    async def listed(self, tenant: str, model: str | None = None) -> tuple[SlotState, ...]:
        self.models.append(model)
        return (SlotState(0, True, 0, 0, 0, 0, 0, 2048, ""), SlotState(1, False, 9, 7, 2, 2, 0, 2048, tenant))

    async def save(self, slot: int, name: str, tenant: str, model: str | None = None) -> Kept:
        self.models.append(model)
        if slot != 1:
            raise NotFound("slots.empty", slot=slot)
        self.saved[tenant, name] = 9
        return Kept(slot, 9, 60)

    async def restore(self, name: str, tenant: str, model: str | None = None) -> Kept:
        self.models.append(model)
        if (tenant, name) not in self.saved:
            raise NotFound("slots.no_name", name=name, model="little-model")
        return Kept(0, self.saved[tenant, name], 60)

    async def erase(self, slot: int, tenant: str, model: str | None = None) -> int:
        return (await self.listed(tenant, model))[slot].held


@dataclass
class FakeGauges:
    """`Gauges` with what a test put there."""

    readings: tuple[Reading, ...] = ()

    async def read(self) -> tuple[Reading, ...]:
        return self.readings
