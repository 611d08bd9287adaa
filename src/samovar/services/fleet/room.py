"""Room for a model beside those that are loaded: how it fits, and who has to leave before it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from samovar.core.engine import LoadSpec
from samovar.core.errors import NotEnoughMemory
from samovar.hub.available import held_memory
from samovar.services.fleet.bell import Bell
from samovar.services.fleet.contracts import Plans
from samovar.services.fleet.leaving import next_to_leave, next_to_wait_for
from samovar.services.fleet.resident import Resident


@dataclass(frozen=True)
class Room:
    """`most`: models at once. `others`: those that have room. `leave` ends one. `bell` rings when one has come to
    rest, or has left."""

    plans: Plans
    most: int
    others: Callable[[], Sequence[Resident]]
    leave: Callable[[Resident], Awaitable[None]]
    bell: Bell

    async def for_one(self, resident: Resident) -> LoadSpec:
        """How to load it, once it fits: as if it were alone, or with as large a window. For one at a time. Raises
        NotEnoughMemory where it would not even fit alone, and whatever else a plan can fail with."""
        with self.bell.afterwards(), ExitStack() as kept_from:
            while (spec := await self._beside(resident)) is None:
                others = {other.name: other for other in self.others()}
                standings = [other.standing for other in others.values()]
                leaving = next_to_leave(standings)
                if leaving is not None:
                    await self.leave(others[leaving.name])
                elif standings:
                    waited_for = others[next_to_wait_for(standings).name]
                    if not waited_for.leaving:
                        kept_from.enter_context(waited_for.kept_from())
                    await queue(resident, self.bell.next())
            return spec

    async def alone(self, resident: Resident) -> tuple[LoadSpec, int]:
        """How to load it were there no other, and the bytes that all may take. Raises as `for_one` does."""
        pids = [worker.pid for other in self.others() if (worker := other.running) is not None]
        budget = await asyncio.to_thread(lambda: self.plans.budget(sum(map(held_memory, pids))))
        return await asyncio.to_thread(self.plans.plan, resident.model, resident.context, budget), budget

    async def _beside(self, resident: Resident) -> LoadSpec | None:
        """None where somebody has to leave first."""
        alone, budget = await self.alone(resident)
        others = self.others()
        if not others:
            return alone
        if len(others) >= self.most:
            return None
        left = budget - sum(other.memory for other in others)
        if alone.memory <= left:
            return alone
        try:
            beside = await asyncio.to_thread(self.plans.plan, resident.model, resident.context, left)
        except NotEnoughMemory:
            return None
        return beside if beside.window >= alone.window else None


async def queue(resident: Resident, until: Awaitable[object]) -> None:
    """Waits for others on behalf of a model, as long as somebody waits for it."""
    resident.queued = True
    try:
        if not resident.waiting:
            resident.give_up()
        await until
    finally:
        resident.queued = False
