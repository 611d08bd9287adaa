"""The models that are served: many by name, and one of them that the page shows and chats go to.

That one is what was asked for without a name, or what was chosen last; it is remembered while it is not loaded, and
stays loaded when nobody uses it, unless somebody said otherwise.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from samovar.core.engine import EngineInfo
from samovar.core.errors import SamovarError
from samovar.core.library import InstalledModel
from samovar.core.rope import Context
from samovar.runtime.process import WorkerProcess
from samovar.runtime.tally import Tally
from samovar.services.contexts import Contexts
from samovar.services.contracts import ContextChoice, LoadedModel, ModelState, Outlook
from samovar.services.fleet import FOR_EVER, SHORT_STAY, USUAL_RULES, Fleet, Rules, Verdicts
from samovar.services.fleet import Served as Served
from samovar.services.loading import LoadPlanner
from samovar.services.watched import Watched


class ModelService:
    """A services.contracts.Models. `stay`: seconds that every model stays loaded when nobody uses it; None: the one
    of the page for ever, others some minutes."""

    def __init__(
        self,
        planner: LoadPlanner,
        verdicts: Verdicts,
        contexts: Contexts,
        logs: Path,
        rules: Rules = USUAL_RULES,
        stay: float | None = None,
    ) -> None:
        self._planner = planner
        self._contexts = contexts
        self._shown: str | None = None
        self._wanted_stay = stay
        self._state = Watched(ModelState())
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        """What the workers of each model counted, by its name; also of those that are not loaded any more."""
        rules = replace(rules, stay=self._stay, tally=lambda name: self.tallies[name])
        self._fleet = Fleet(planner, verdicts, contexts, logs, self._hear, rules)

    @property
    def state(self) -> ModelState:
        return self._state.value

    def installed(self) -> tuple[InstalledModel, ...]:
        return self._planner.installed()

    async def outlook(self, name: str, window: int | None = None, alpha: float | None = None) -> Outlook:
        model = await self._find(name)
        if window is None:
            window = (await self._contexts.chosen(model.name) or self.context).ctx
        return await asyncio.to_thread(self._planner.outlook, model, window, alpha)

    @property
    def context(self) -> Context:
        return self._contexts.default

    async def chosen(self, name: str) -> Context | None:
        return await self._contexts.chosen((await self._find(name)).name)

    async def whole(self, name: str, context: Context) -> Context:
        return await asyncio.to_thread(self._planner.whole, await self._find(name), context)

    async def check(self, name: str, context: Context) -> None:
        await asyncio.to_thread(self._planner.check, await self._find(name), context)

    def watch(self) -> AsyncIterator[ModelState]:
        return self._state.watch()

    def loading(self, name: str | None = None) -> float | None:
        """As the contract says."""
        resident = self._fleet.resident((self._shown or "") if name is None else self.meant(name))
        return resident.state.progress if resident is not None and resident.coming else None

    def loaded(self) -> tuple[LoadedModel, ...]:
        return self._fleet.loaded()

    def answering(self) -> frozenset[str]:
        return frozenset(resident.name for resident in self._fleet.residents() if resident.busy)

    def engine(self, name: str | None = None) -> EngineInfo | None:
        served = self._at_hand(name)
        return served.info if served else None

    def states(self) -> tuple[ModelState, ...]:
        return tuple(resident.state for resident in self._fleet.residents())

    async def load(self, name: str | None = None, choice: ContextChoice | None = None) -> EngineInfo:
        """As the contract says; a load of another model for the page that is under way, and that nobody else waits
        for, is given up."""
        model = await self._wanted(name)
        if self._shown not in (None, model.name) and self.state.state == "loading":
            await self._fleet.interrupt(self._shown or "")
        self._show(model.name)
        async with self._fleet.serving(model, choice) as served:
            return served.info

    async def load_beside(self, name: str | None = None, keep_alive: float | None = None) -> EngineInfo:
        async with self.serving(name, keep_alive=keep_alive) as served:
            return served.info

    async def unload(self, name: str | None = None) -> None:
        """Ends workers now: loads are cancelled, answers in flight end with an error and keep their text."""
        meant = None if name is None else self.meant(name)
        await self._fleet.leave(meant)
        if meant in (None, self._shown):
            self._shown = None
            self._state.set(ModelState())

    async def dress(self, name: str) -> None:
        await self._fleet.dress(name)

    @asynccontextmanager
    async def serving(self, name: str | None, keep_alive: float | None = None) -> AsyncIterator[Served]:
        """The worker of the named model, else of the page's, else of the default, which is then the page's; it does
        not leave before this is left. Loaded if need be: a load that was begun goes on when its asker leaves.
        `keep_alive`: as in Completion. Raises NotFound, NotEnoughMemory, BadModelFile, EngineFailed …"""
        model = await self._wanted(name)
        if self._shown is None:
            self._show(model.name)
        async with self._fleet.serving(model, keep=keep_alive) as served:
            yield served

    @asynccontextmanager
    async def ready(self, name: str | None = None) -> AsyncIterator[Served | None]:
        """The named model, else the page's, held as by `serving`, if it is ready now; None where it is not, or is
        about to leave. Loads nothing and waits for nothing."""
        served = self._at_hand(name)
        if served is None:
            yield None
            return
        served.worker.hold()
        try:
            yield served
        finally:
            served.worker.release()

    def workers(self) -> dict[str, WorkerProcess]:
        """Those that are ready, by the names of their models."""
        return {served.name: served.worker for served in self._fleet.ready()}

    def forget(self, session: str) -> None:
        self._fleet.forget(session)

    def pin(self, sessions: tuple[str, ...]) -> None:
        self._fleet.pin(sessions)

    def meant(self, name: str) -> str:
        return name if self._fleet.resident(name) is not None else self._planner.meant(name)

    def _at_hand(self, name: str | None) -> Served | None:
        resident = self._fleet.resident((self._shown or "") if name is None else self.meant(name))
        return resident.ready if resident is not None and not resident.leaving else None

    async def _find(self, name: str) -> InstalledModel:
        resident = self._fleet.resident(name)
        return resident.model if resident else await asyncio.to_thread(self._planner.find, name)

    async def _wanted(self, name: str | None) -> InstalledModel:
        """Where nobody asked for it by name it is the one that is to be served: that it is not there is then its
        state."""
        if name is not None:
            return await self._find(name)
        wanted = self._shown
        if wanted is None:
            wanted = await asyncio.to_thread(self._planner.default)
        try:
            return await self._find(wanted)
        except SamovarError as error:
            self._shown = wanted
            self._state.set(ModelState(wanted, "failed", error=error.value()))
            raise

    def _show(self, name: str) -> None:
        """It is the page's model from now on."""
        if name == self._shown:
            return
        former, self._shown = self._shown, name
        resident = self._fleet.resident(name)
        self._state.set(resident.state if resident else ModelState(name, "loading"))
        for changed in (former, name):
            if changed is not None:
                self._fleet.review(changed)

    def _hear(self, state: ModelState) -> None:
        if state.name == self._shown:
            self._state.set(state)

    def _stay(self, name: str) -> float:
        if self._wanted_stay is not None:
            return self._wanted_stay
        return FOR_EVER if name == self._shown else SHORT_STAY
