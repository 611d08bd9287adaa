"""The models that are loaded: who comes, who has to leave for it, who leaves because nobody uses it.

What a model needs is what it would take alone on this machine (the same window); it is loaded beside others where
that fits, and otherwise the idle ones leave, those that were used longest ago first. Where all are busy it waits,
and requests that come later for the one that has to leave wait behind it: nobody waits for ever. One that answers,
or that an earlier request waits for, never leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from samovar.core.engine import Note
from samovar.core.errors import Cancelled, SamovarError, StorageFailed
from samovar.core.library import InstalledModel
from samovar.runtime.supervisor import Hooks
from samovar.services.contexts import Contexts
from samovar.services.contracts import ContextChoice, LoadedModel, ModelState
from samovar.services.fleet.bell import Bell
from samovar.services.fleet.contracts import Plans, Rules, Verdicts
from samovar.services.fleet.resident import Resident, Served, Tell
from samovar.services.fleet.room import Room, queue
from samovar.services.fleet.timers import Timers


class Fleet:
    """See the module's first lines. `tell` hears every change of every model's state."""

    def __init__(
        self, plans: Plans, verdicts: Verdicts, contexts: Contexts, logs: Path, tell: Tell, rules: Rules
    ) -> None:
        self._plans = plans
        self._verdicts = verdicts
        self._contexts = contexts
        self._logs = logs
        self._tell = tell
        self._rules = rules
        self._residents: dict[str, Resident] = {}
        self._bell = Bell()
        self._room = Room(plans, rules.most, self._with_room, self._make_room, self._bell)
        self._admission = asyncio.Lock()
        self._timers = Timers(rules.later)
        self._pinned: tuple[str, ...] = ()

    def resident(self, name: str) -> Resident | None:
        return self._residents.get(name)

    def residents(self) -> tuple[Resident, ...]:
        """Also those that are on their way; the one used last first."""
        return tuple(sorted(self._residents.values(), key=lambda resident: -resident.used))

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Those that are ready, the one used last first."""
        found = ((resident, resident.ready) for resident in self.residents())
        return tuple(
            LoadedModel(resident.name, resident.memory, served.info.window, self._expires(resident))
            for resident, served in found
            if served is not None
        )

    @asynccontextmanager
    async def serving(
        self, model: InstalledModel, choice: ContextChoice | None = None, keep: float | None = None
    ) -> AsyncIterator[Served]:
        """The model's worker, which does not leave before this is left. Raises what its load ends with."""
        resident = await self._resident(model, choice)
        with resident.awaited():
            served = await resident.served()
            served.worker.hold()
        try:
            resident.used, resident.keep = self._rules.clock(), keep
            yield served
        finally:
            served.worker.release()

    async def interrupt(self, name: str) -> None:
        """A load that only one waits for is given up."""
        resident = self._residents.get(name)
        if resident is not None and resident.coming and resident.waiting <= 1:
            await self._leave(resident)

    async def leave(self, name: str | None = None) -> None:
        """Ends the named model's worker, or all of them, now: answers in flight end with an error."""
        residents = [resident for resident in self._residents.values() if name in (None, resident.name)]
        await asyncio.gather(*map(self._leave, residents))

    def pin(self, sessions: tuple[str, ...]) -> None:
        """The caches of these sessions are kept while those of others are given up, in every worker from now on."""
        self._pinned = sessions
        for served in self.ready():
            served.worker.pin(sessions)

    def forget(self, session: str) -> None:
        """Nothing that was computed for the session is kept by any worker."""
        for served in self.ready():
            served.worker.forget(session)

    def review(self, name: str) -> None:
        """How long the model stays may have changed."""
        resident = self._residents.get(name)
        if resident is not None and not resident.busy:
            self._let_stay(resident)

    async def dress(self, name: str) -> None:
        """What the model has of its own was changed."""
        resident = self._residents.get(name)
        if resident is not None:
            resident.dress(await asyncio.to_thread(self._plans.own, name))

    def ready(self) -> tuple[Served, ...]:
        """Those that can be asked at once."""
        return tuple(served for resident in self._residents.values() if (served := resident.ready) is not None)

    def _with_room(self) -> tuple[Resident, ...]:
        return tuple(resident for resident in self._residents.values() if resident.has_room)

    async def _resident(self, model: InstalledModel, choice: ContextChoice | None) -> Resident:
        """The model's place, with the context that was chosen, if one was. A new one has no room yet."""
        while True:
            found = self._residents.get(model.name)
            if found is None:
                found = Resident(model, choice, self._tell, self._bring, self._rested)
                found.used = self._rules.clock()
                self._residents[model.name] = found
                return found
            if found.leaving:
                await self._bell.next()
            elif choice is None or choice.context == found.context:
                self._timers.cancel(found.name)
                return found
            else:
                await self._replace(found)

    async def _replace(self, resident: Resident) -> None:
        """It is to be loaded in another way: it leaves once it rests, at once where it is only on its way."""
        with self._bell.afterwards(), resident.kept_from():
            while resident.busy and not resident.coming:
                await self._bell.next()
            await self._leave(resident)

    async def _bring(self, resident: Resident) -> None:
        """Makes room for it where it has none, and starts it. What fails leaves only a state that says so."""
        try:
            if not resident.has_room:
                await self._look_up(resident)
                if self._admission.locked():
                    await self._room.alone(resident)
                    await queue(resident, self._admission.acquire())
                else:
                    await self._admission.acquire()
                try:
                    await self._settle(resident)
                finally:
                    self._admission.release()
            await resident.start()
        except BaseException as error:
            await self._dismiss(resident, error)
            raise
        if resident.ready is not None:
            resident.ready.worker.pin(self._pinned)
        await self._keep(resident)

    async def _look_up(self, resident: Resident) -> None:
        choice, name = resident.choice, resident.name
        resident.own = await asyncio.to_thread(self._plans.own, name)
        resident.context = choice.context if choice else await self._contexts.chosen(name)
        resident.progress(0.0)

    async def _settle(self, resident: Resident) -> None:
        name = resident.name
        spec = await self._room.for_one(resident)
        verdict = await self._verdicts.recall(spec)
        hooks = Hooks(
            progress=resident.progress,
            remember=lambda learnt: self._verdicts.remember(spec, learnt),
            tally=self._rules.tally(name),
        )
        resident.settle(self._rules.supervise(spec, verdict, self._log(name), hooks))

    async def _keep(self, resident: Resident) -> None:
        """A choice that cannot be kept holds until the model is loaded again, which is said."""
        if resident.choice is not None:
            try:
                await self._contexts.keep(resident.name, resident.choice)
            except StorageFailed as error:
                resident.note(Note(error.key, error.value().facts))

    async def _make_room(self, resident: Resident) -> None:
        """It leaves because another one needs its place."""
        if resident.closing is None:
            self._rules.tally(resident.name).evicted += 1
        await self._leave(resident)

    async def _leave(self, resident: Resident) -> None:
        """Ends its worker; until that is done nobody begins to load the model. Goes on when the caller leaves."""
        if resident.closing is None:
            resident.closing = asyncio.create_task(self._end(resident))
        await asyncio.shield(resident.closing)

    async def _end(self, resident: Resident) -> None:
        self._timers.cancel(resident.name)
        await resident.close()
        self._gone(resident, None)

    async def _dismiss(self, resident: Resident, error: BaseException) -> None:
        await resident.end()
        self._gone(resident, error)

    def _gone(self, resident: Resident, error: BaseException | None) -> None:
        if self._residents.get(resident.name) is resident:
            del self._residents[resident.name]
            if isinstance(error, SamovarError) and not isinstance(error, Cancelled):
                resident.fail(error)
            else:
                resident.show(ModelState(resident.name))
        self._bell.ring()

    def _rested(self, resident: Resident) -> None:
        """Nobody needs it any more."""
        resident.used = self._rules.clock()
        self._bell.ring()
        self._let_stay(resident)

    def _let_stay(self, resident: Resident) -> None:
        """As long as it is to stay when nobody uses it."""
        if self._residents.get(resident.name) is not resident or resident.leaving or not resident.has_room:
            return
        stay = self._stay(resident)
        self._timers.cancel(resident.name)
        if stay >= 0:
            left = max(0.0, resident.used + stay - self._rules.clock())
            self._timers.set(resident.name, left, lambda: self._expire(resident))

    async def _expire(self, resident: Resident) -> None:
        if not resident.busy:
            await self._leave(resident)

    def _stay(self, resident: Resident) -> float:
        return resident.keep if resident.keep is not None else self._rules.stay(resident.name)

    def _expires(self, resident: Resident) -> float | None:
        stay = self._stay(resident)
        return None if stay < 0 else (self._rules.clock() if resident.busy else resident.used) + stay

    def _log(self, name: str) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
        return self._logs / f"worker-{safe}.log"
