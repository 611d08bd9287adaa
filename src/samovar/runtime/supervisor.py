"""One model, kept running: starts its worker, and starts it again, more safely, when it dies.

Every way of computing the model is in `LoadSpec.settings`, fastest first. A process that dies while loading or
before its first result costs it the way it took; the verdict is handed to whoever keeps it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from samovar.core.engine import EngineInfo, LoadSpec, Note, Pace, Setting
from samovar.core.errors import BadModelFile, Cancelled, EngineFailed, SamovarError
from samovar.core.pace import fastest
from samovar.runtime.process import WorkerProcess
from samovar.runtime.tally import Tally
from samovar.runtime.trust import Verdict, other_loadings

OTHER_BUILD_MAY = frozenset(
    {
        "engines.self_check",
        "engines.text_check",
        "engines.load_failed",
        "engines.library_broken",
        "engines.native_damaged",
        "engines.layout",
    }
)
"""Failures that are of a library build, not of the model."""
FIRST_SECONDS, RIVAL_SECONDS = 0.8, 0.4
"""Of the time for calibrating: for the settings and threads of the first build, and for those of each other one."""
RIVAL_CELLS = 1024
"""KV cells of a process that is only measured."""


@dataclass(frozen=True)
class Hooks:
    """What the supervisor tells its owner: load progress (0 to 1), and a verdict that is to be kept. What its
    workers count is added to `tally`."""

    progress: Callable[[float], None]
    remember: Callable[[Verdict], Awaitable[None]]
    tally: Tally = field(default_factory=Tally)


class Supervisor:
    """Owns at most one worker process at a time."""

    def __init__(self, spec: LoadSpec, verdict: Verdict, log: Path, hooks: Hooks) -> None:
        self._spec = spec
        self._verdict = verdict
        self._log = log
        self._hooks = hooks
        self._notes: tuple[Note, ...] = ()
        self._worker: WorkerProcess | None = None
        self._rival: WorkerProcess | None = None
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
        for worker in (self._rival, self._worker):
            if worker is not None:
                await worker.close()
        self._worker = None

    async def _start(self) -> WorkerProcess:
        settings = self._verdict.open(self._spec.settings)
        while True:
            began, asked = time.monotonic(), self._asking(settings)
            worker = await WorkerProcess.start(asked, self._log, self._hooks.progress, self._hooks.tally)
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
                await self._keep(self._learnt(info))
                took = time.monotonic() - began
                if info.pace in (None, asked.pace) or not await self._finds_faster(info.pace, settings, took):
                    return worker
                await worker.close()
                settings = self._verdict.open(self._spec.settings)

    def _asking(self, settings: tuple[Setting, ...]) -> LoadSpec:
        trusted = settings.index(self._verdict.trusted) if self._verdict.trusted in settings else None
        known = self._verdict if trusted is not None else Verdict()
        seconds = min(self._spec.calibrate, FIRST_SECONDS)
        return replace(
            self._spec,
            settings=settings,
            trusted=trusted,
            shifts=known.shifts,
            calibrate=seconds,
            pace=known.pace,
        )

    def _learnt(self, info: EngineInfo) -> Verdict:
        return self._verdict.trusting(info.setting, shifts=info.capabilities.can_shift, pace=info.pace)

    async def _finds_faster(self, pace: Pace, settings: tuple[Setting, ...], took: float) -> bool:
        """Whether another way of loading was seen to be faster than the one that just took `took` seconds; it is
        then the trusted one. They are tried, in the order of the ladder, while a load like that one still fits
        the time for calibrating: of a large model none."""
        until = time.monotonic() + self._spec.calibrate - FIRST_SECONDS
        needed = max(took - FIRST_SECONDS, 0.0) + RIVAL_SECONDS
        paces = [pace]
        for loading in dict.fromkeys(setting.loading for setting in settings):
            if loading != pace.setting.loading and time.monotonic() + needed <= until:
                paces += await self._try(loading, settings, pace)
        best = fastest(paces)
        if best is not pace:
            await self._keep(self._verdict.trusting(best.setting, pace=best))
        if not self.alive:
            raise Cancelled("runtime.unloaded")
        return best is not pace

    async def _try(self, loading: tuple[str, bool], settings: tuple[Setting, ...], pace: Pace) -> list[Pace]:
        """What is measured of what goes with `loading`, in a process that has only a few cells; nothing where that
        fails."""
        ways = tuple(setting for setting in settings if setting.loading == loading)
        spec = replace(
            self._spec,
            settings=ways,
            window=min(self._spec.window, RIVAL_CELLS),
            cells=min(self._spec.cells, RIVAL_CELLS),
            gathered=0,
            threads=self._spec.threads or pace.threads,
            shifts=False,
            speculate="off",
            draft=None,
            kv_folder="",
            kv_ram=0,
            kv_disk=0,
            calibrate=RIVAL_SECONDS,
        )
        self._rival = rival = await WorkerProcess.start(spec, self._log, lambda _: None)
        try:
            found = (await rival.ready()).pace
        except (EngineFailed, BadModelFile):
            return []
        finally:
            self._rival = None
            await rival.close()
        return [found] if found else []

    async def _after_failed_load(self, error: SamovarError, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
        """The ways that are left, or the error when there are none."""
        if error.key == "runtime.worker_died" and settings:
            await self._refuse(settings[0])
            left = self._verdict.open(self._spec.settings)
        elif error.key in OTHER_BUILD_MAY and settings:
            left = other_loadings(settings, settings[0])
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
