"""The model that is served: finds it in the library, plans its memory, keeps its worker, switches to another.

One model at a time. A switch waits for the answers in flight; requests that come meanwhile wait for the switch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from samovar.core.engine import EngineInfo, LoadSpec, Note
from samovar.core.errors import SamovarError
from samovar.core.library import InstalledModel
from samovar.runtime.process import WorkerProcess
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.services.contracts import ModelState
from samovar.services.loading import LoadPlanner
from samovar.services.verdicts import VerdictKeeper
from samovar.services.watched import Watched


class ModelService:
    """A services.contracts.Models."""

    def __init__(self, planner: LoadPlanner, verdicts: VerdictKeeper, logs: Path) -> None:
        self._planner = planner
        self._verdicts = verdicts
        self._logs = logs
        self._state = Watched(ModelState())
        self._supervisor: Supervisor | None = None
        self._switching = asyncio.Lock()

    @property
    def state(self) -> ModelState:
        return self._state.value

    def installed(self) -> tuple[InstalledModel, ...]:
        return self._planner.installed()

    def watch(self) -> AsyncIterator[ModelState]:
        return self._state.watch()

    async def load(self, name: str | None = None) -> EngineInfo:
        """As the contract says; a load of another model that is under way is cancelled."""
        if name and self.state.state == "loading" and self.state.name != name:
            await self._interrupt()
        _, _, info = await self.serving(name)
        return info

    async def unload(self) -> None:
        """Ends the worker now: a load is cancelled, answers in flight end with an error and keep their text."""
        await self._interrupt()
        async with self._switching:
            await self._close()

    async def _interrupt(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.close()

    async def serving(self, name: str | None) -> tuple[str, WorkerProcess, EngineInfo]:
        """The worker of the named model, or of the one that is loaded (else the default) where no name is given;
        loaded if need be. Raises NotFound, NotEnoughMemory, BadModelFile, EngineFailed …"""
        async with self._switching:
            wanted = name or self.state.name or ""
            if not wanted:
                wanted = await asyncio.to_thread(self._planner.default)
            if self._supervisor is None or self.state.name != wanted:
                model = await asyncio.to_thread(self._planner.find, wanted)
                if self._supervisor is None or self.state.name != model.name:
                    await self._switch(model)
                wanted = model.name
            worker = await self._worker(wanted)
            assert worker.info is not None
            return wanted, worker, worker.info

    async def _switch(self, model: InstalledModel) -> None:
        if self._supervisor is not None:
            await self._supervisor.drained()
        await self._close()
        self._state.set(ModelState(model.name, "loading"))
        try:
            spec = await asyncio.to_thread(self._planner.plan, model)
            verdict = await self._verdicts.recall(spec)
        except SamovarError as error:
            self._state.set(ModelState(model.name, "failed", error=error.value()))
            raise
        self._supervisor = Supervisor(spec, verdict, self._log(model.name), self._hooks(model.name, spec))

    async def _worker(self, name: str) -> WorkerProcess:
        """The running worker; the state says how its start goes."""
        supervisor = self._supervisor
        assert supervisor is not None
        if not supervisor.alive:
            self._state.set(ModelState(name, "loading"))
        try:
            worker = await supervisor.worker()
        except SamovarError as error:
            await self._close()
            self._state.set(ModelState(name, "failed", error=error.value(), notes=supervisor.notes))
            raise
        self._state.set(ModelState(name, "ready", 1.0, notes=supervisor.notes + _template_notes(worker)))
        return worker

    def _hooks(self, name: str, spec: LoadSpec) -> Hooks:
        return Hooks(
            progress=lambda share: self._state.set(ModelState(name, "loading", share)),
            remember=lambda verdict: self._verdicts.remember(spec, verdict),
        )

    def _log(self, name: str) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
        return self._logs / f"worker-{safe}.log"

    async def _close(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.close()
            self._supervisor = None
        self._state.set(ModelState())


def _template_notes(worker: WorkerProcess) -> tuple[Note, ...]:
    missing = worker.info is not None and worker.info.chat_template is None
    return (Note("prompts.no_template"),) if missing else ()
