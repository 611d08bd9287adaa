"""The model that is served: finds it in the library, plans its memory, keeps its worker, switches to another.

One model at a time. A switch waits for the answers in flight; requests that come meanwhile wait for the switch.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from samovar.core.engine import EngineInfo, LoadSpec, Note
from samovar.core.errors import Cancelled, SamovarError, StorageFailed
from samovar.core.library import InstalledModel
from samovar.core.rope import Context
from samovar.runtime.process import WorkerProcess
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.tally import Tally
from samovar.services.contexts import Contexts
from samovar.services.contracts import ContextChoice, LoadedModel, ModelState, Outlook
from samovar.services.loading import LoadPlanner
from samovar.services.verdicts import VerdictKeeper
from samovar.services.watched import Watched


@dataclass(frozen=True)
class Served:
    """A loaded model and the worker that runs it."""

    name: str
    worker: WorkerProcess
    info: EngineInfo


class ModelService:
    """A services.contracts.Models."""

    def __init__(self, planner: LoadPlanner, verdicts: VerdictKeeper, contexts: Contexts, logs: Path) -> None:
        self._planner = planner
        self._verdicts = verdicts
        self._contexts = contexts
        self._chosen: Context | None = None
        self._logs = logs
        self._state = Watched(ModelState())
        self._supervisor: Supervisor | None = None
        self._switching = asyncio.Lock()
        self._pinned: tuple[str, ...] = ()
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        """What the workers of each model counted, by its name; also of those that are not loaded any more."""

    @property
    def state(self) -> ModelState:
        return self._state.value

    def installed(self) -> tuple[InstalledModel, ...]:
        return self._planner.installed()

    async def outlook(self, name: str, window: int | None = None, alpha: float | None = None) -> Outlook:
        model = await asyncio.to_thread(self._planner.find, name)
        if window is None:
            window = (await self._contexts.chosen(model.name) or self.context).ctx
        return await asyncio.to_thread(self._planner.outlook, model, window, alpha)

    @property
    def context(self) -> Context:
        return self._contexts.default

    async def chosen(self, name: str) -> Context | None:
        model = await asyncio.to_thread(self._planner.find, name)
        return await self._contexts.chosen(model.name)

    async def whole(self, name: str, context: Context) -> Context:
        model = await asyncio.to_thread(self._planner.find, name)
        return await asyncio.to_thread(self._planner.whole, model, context)

    async def check(self, name: str, context: Context) -> None:
        model = await asyncio.to_thread(self._planner.find, name)
        await asyncio.to_thread(self._planner.check, model, context)

    def watch(self) -> AsyncIterator[ModelState]:
        return self._state.watch()

    async def load(self, name: str | None = None, choice: ContextChoice | None = None) -> EngineInfo:
        """As the contract says; a load of another model or context that is under way is cancelled."""
        if name and self.state.state == "loading" and not self._is_served(name, choice):
            await self._interrupt()
        async with self.serving(name, choice) as served:
            return served.info

    def loaded(self) -> tuple[LoadedModel, ...]:
        worker, name = self._running, self.state.name
        if worker is None or worker.info is None or name is None:
            return ()
        return (LoadedModel(name, 0, worker.info.window),)

    async def unload(self, name: str | None = None) -> None:
        """Ends the worker now: a load is cancelled, answers in flight end with an error and keep their text."""
        if name not in (None, self.state.name):
            return
        await self._interrupt()
        async with self._switching:
            await self._close()

    async def _interrupt(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.close()

    @asynccontextmanager
    async def serving(self, name: str | None, choice: ContextChoice | None = None) -> AsyncIterator[Served]:
        """The worker of the named model, or of the one that is loaded (else the default) where no name is given;
        it is not switched away before this is left. Loaded if need be: a load that was begun goes on when its asker
        leaves. Raises NotFound, NotEnoughMemory, BadModelFile, EngineFailed …"""
        task = asyncio.create_task(self._serve(name, choice))
        try:
            served = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_let_go)
            raise
        try:
            yield served
        finally:
            served.worker.release()

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[Served | None]:
        """The worker that is ready now, held as by `serving`; None where there is none, or it is being switched
        away. Loads nothing and waits for nothing."""
        worker = self._running if not self._switching.locked() else None
        if worker is None or worker.info is None:
            yield None
            return
        worker.hold()
        try:
            yield Served(self.state.name or "", worker, worker.info)
        finally:
            worker.release()

    def workers(self) -> dict[str, WorkerProcess]:
        """Those that are ready, by the names of their models."""
        worker, name = self._running, self.state.name
        return {name: worker} if worker is not None and worker.info is not None and name is not None else {}

    def forget(self, session: str) -> None:
        """Nothing that was computed for the session is kept by the worker."""
        if self._running is not None:
            self._running.forget(session)

    def pin(self, sessions: tuple[str, ...]) -> None:
        """The caches of these sessions are kept while those of others are given up, in every worker from now on."""
        self._pinned = sessions
        if self._running is not None:
            self._running.pin(sessions)

    @property
    def _running(self) -> WorkerProcess | None:
        return self._supervisor.running if self._supervisor else None

    async def _serve(self, name: str | None, choice: ContextChoice | None) -> Served:
        async with self._switching:
            wanted = name or self.state.name or ""
            if not wanted:
                wanted = await asyncio.to_thread(self._planner.default)
            if self._supervisor is None or not self._is_served(wanted, choice):
                model = await self._find(wanted, asked=name is not None)
                if self._supervisor is None or not self._is_served(model.name, choice):
                    await self._switch(model, choice)
                wanted = model.name
            worker = await self._worker(wanted)
            assert worker.info is not None
            worker.hold()
            if choice is not None:
                await self._keep(wanted, choice)
            return Served(wanted, worker, worker.info)

    def _is_served(self, name: str, choice: ContextChoice | None) -> bool:
        """Whether the model that is served is the named one, and has the context that was chosen, if one was."""
        return self.state.name == name and (choice is None or choice.context == self._chosen)

    async def _keep(self, name: str, choice: ContextChoice) -> None:
        """A choice that cannot be kept holds until the model is loaded again, which is said."""
        try:
            await self._contexts.keep(name, choice)
        except StorageFailed as error:
            unkept = Note(error.key, error.value().facts)
            self._state.set(replace(self.state, notes=(*self.state.notes, unkept)))

    async def _find(self, name: str, *, asked: bool) -> InstalledModel:
        """The model of that name. Where nobody `asked` for it by name it is the one that is to be served: that it
        is not there is then its state."""
        if asked:
            return await asyncio.to_thread(self._planner.find, name)
        async with self._told(name):
            return await asyncio.to_thread(self._planner.find, name)

    async def _switch(self, model: InstalledModel, choice: ContextChoice | None) -> None:
        if self._supervisor is not None:
            await self._supervisor.drained()
        await self._close()
        self._chosen = choice.context if choice else await self._contexts.chosen(model.name)
        self._state.set(ModelState(model.name, "loading", context=self._chosen))
        async with self._told(model.name):
            spec = await asyncio.to_thread(self._planner.plan, model, self._chosen)
            verdict = await self._verdicts.recall(spec)
        self._supervisor = Supervisor(spec, verdict, self._log(model.name), self._hooks(model.name, spec))

    async def _worker(self, name: str) -> WorkerProcess:
        """The running worker; the state says how its start goes."""
        supervisor = self._supervisor
        assert supervisor is not None
        if supervisor.alive:
            return await supervisor.worker()
        self._state.set(ModelState(name, "loading", context=self._chosen))
        async with self._told(name):
            worker = await supervisor.worker()
        worker.pin(self._pinned)
        notes = supervisor.notes + supervisor.spec.notes + _template_notes(worker)
        self._state.set(ModelState(name, "ready", 1.0, notes=notes, context=self._chosen))
        return worker

    @asynccontextmanager
    async def _told(self, name: str) -> AsyncIterator[None]:
        """What fails inside leaves no worker and a state that says so; what was cancelled leaves nothing to say."""
        try:
            yield
        except BaseException as error:
            notes, chosen = self._supervisor.notes if self._supervisor else (), self._chosen
            await self._close()
            if isinstance(error, SamovarError) and not isinstance(error, Cancelled):
                self._state.set(ModelState(name, "failed", error=error.value(), notes=notes, context=chosen))
            raise

    def _hooks(self, name: str, spec: LoadSpec) -> Hooks:
        return Hooks(
            progress=lambda share: self._state.set(ModelState(name, "loading", share, context=self._chosen)),
            remember=lambda verdict: self._verdicts.remember(spec, verdict),
            tally=self.tallies[name],
        )

    def _log(self, name: str) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
        return self._logs / f"worker-{safe}.log"

    async def _close(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.close()
            self._supervisor = None
        self._chosen = None
        self._state.set(ModelState())


def _template_notes(worker: WorkerProcess) -> tuple[Note, ...]:
    missing = worker.info is not None and worker.info.chat_template is None
    return (Note("prompts.no_template"),) if missing else ()


def _let_go(task: asyncio.Task[Served]) -> None:
    """The asker has left: nobody will use the worker, and an error is in the model's state for those who look."""
    if not task.cancelled() and task.exception() is None:
        task.result().worker.release()
