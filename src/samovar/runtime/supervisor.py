"""One model, kept running: starts its worker, and starts it again, more safely, when it dies.

Every way of computing the model is in `LoadSpec.settings`, fastest first. A process that dies while loading or
before its first result costs it the way it took; the verdict is handed to whoever keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from samovar.core.engine import EngineInfo, LoadSpec, Note, Setting
from samovar.core.errors import BadModelFile, EngineFailed, SamovarError
from samovar.runtime.process import WorkerProcess
from samovar.runtime.trust import Verdict, other_builds

OTHER_BUILD_MAY = frozenset(
    {
        "engines.self_check",
        "engines.load_failed",
        "engines.library_broken",
        "engines.native_damaged",
        "engines.layout",
    }
)
"""Failures that are of a library build, not of the model."""


@dataclass(frozen=True)
class Hooks:
    """What the supervisor tells its owner: load progress (0 to 1), and a verdict that is to be kept."""

    progress: Callable[[float], None]
    remember: Callable[[Verdict], Awaitable[None]]


class Supervisor:
    """Owns at most one worker process at a time."""

    def __init__(self, spec: LoadSpec, verdict: Verdict, log: Path, hooks: Hooks) -> None:
        self._spec = spec
        self._verdict = verdict
        self._log = log
        self._hooks = hooks
        self._notes: tuple[Note, ...] = ()
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()

    @property
    def spec(self) -> LoadSpec:
        return self._spec

    @property
    def alive(self) -> bool:
        return self._worker is not None and self._worker.death is None

    @property
    def running(self) -> WorkerProcess | None:
        """The worker as it is, which may still be loading; None where there is none that lives."""
        return self._worker if self.alive else None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was stepped down, and why."""
        own = self._worker.info.notes if self._worker and self._worker.info else ()
        return self._notes + own + (self._worker.notes if self._worker else ())

    async def worker(self) -> WorkerProcess:
        """The worker, ready; started (again) if need be. Raises what the load ended with."""
        async with self._starting:
            if self._worker is not None and self._worker.death is not None:
                await self._learn_from(self._worker)
                self._worker = None
            if self._worker is None:
                self._worker = await self._start()
            return self._worker

    async def info(self) -> EngineInfo:
        info = (await self.worker()).info
        assert info is not None
        return info

    async def drained(self) -> None:
        """Returns when no request is in flight."""
        if self._worker is not None:
            await self._worker.drained()

    async def close(self) -> None:
        """Ends the worker, whatever it is doing; a start that is waited for raises Cancelled."""
        if self._worker is not None:
            await self._worker.close()
            self._worker = None

    async def _start(self) -> WorkerProcess:
        settings = self._verdict.open(self._spec.settings)
        while True:
            worker = await WorkerProcess.start(self._asking(settings), self._log, self._hooks.progress)
            self._worker = worker
            try:
                info = await worker.ready()
            except (EngineFailed, BadModelFile) as error:
                await worker.close()
                self._worker = None
                settings = await self._after_failed_load(error, settings)
            except BaseException:
                await worker.close()
                self._worker = None
                raise
            else:
                await self._keep(self._verdict.trusting(info.setting, shifts=info.capabilities.can_shift))
                return worker

    def _asking(self, settings: tuple[Setting, ...]) -> LoadSpec:
        trusted = settings.index(self._verdict.trusted) if self._verdict.trusted in settings else None
        shifts = self._verdict.shifts if trusted is not None else None
        return msgspec.structs.replace(self._spec, settings=settings, trusted=trusted, shifts=shifts)

    async def _after_failed_load(self, error: SamovarError, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
        """The ways that are left, or the error when there are none."""
        if error.key == "runtime.worker_died" and settings:
            await self._refuse(settings[0])
            left = self._verdict.open(self._spec.settings)
        elif error.key in OTHER_BUILD_MAY and settings:
            left = other_builds(settings, settings[0].build)
            self._note(Note(error.key, dict(error.facts)))
        else:
            left = ()
        if left:
            return left
        if error.key != "runtime.worker_died":
            raise error
        await self._keep(Verdict())
        raise EngineFailed("runtime.load_died", cause=error.facts["cause"], log=self._log.name) from error

    async def _learn_from(self, dead: WorkerProcess) -> None:
        """A worker that died before its first result had chosen a way that does not work."""
        if dead.info and dead.info.setting and not dead.has_computed:
            await self._refuse(dead.info.setting)

    async def _refuse(self, setting: Setting) -> None:
        flash = "on" if setting.flash else "off"
        way: dict[str, str | int | float] = {
            "build": setting.build,
            "micro_batch": setting.micro_batch,
            "flash": flash,
        }
        self._note(Note("runtime.stepped_down", way))
        await self._keep(self._verdict.refusing(setting, self._spec.settings))

    def _note(self, note: Note) -> None:
        if note not in self._notes:
            self._notes += (note,)

    async def _keep(self, verdict: Verdict) -> None:
        if verdict != self._verdict:
            self._verdict = verdict
            await self._hooks.remember(verdict)
