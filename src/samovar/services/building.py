"""The library compiled for this processor: whether there is one, what stands in the way, and the job that makes it.

The job is a process of its own and ends with this one; a model that is served meanwhile goes on. What it makes is
used from the next load.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec

from samovar.core.engine import Note
from samovar.core.errors import Conflict, EngineFailed, Missing
from samovar.core.home import Home
from samovar.engines.llama.builds import find_native
from samovar.engines.llama.compiling.recipe import obstacle
from samovar.engines.llama.compiling.reports import Refused, Report, Working
from samovar.services.contracts import BuildState
from samovar.services.watched import Watched

JOB = (sys.executable, "-m", "samovar.engines.llama.compiling")
CLOSING_SECONDS = 5.0

Hindrance = Callable[[Path], Note | None]


class BuildService:
    """A services.contracts.Building of one home.

    `job`: the command that builds; the folder for the result is added to it. `hindrance`: what keeps this machine
    from building there.
    """

    def __init__(self, home: Home, job: Sequence[str] = JOB, hindrance: Hindrance = obstacle) -> None:
        self._home = home
        self._command = job
        self._hindrance = hindrance
        self._state = Watched(self._look())
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def state(self) -> BuildState:
        return self._state.value

    def watch(self) -> AsyncIterator[BuildState]:
        return self._state.watch()

    async def refresh(self) -> BuildState:
        """The state, looked up again where nothing is under way: a compiler may have been installed meanwhile."""
        if self.state.state not in ("building", "failed"):
            self._state.set(await asyncio.to_thread(self._look))
        return self.state

    async def start(self) -> BuildState:
        """Begins to build, anew where there is a library. Raises Conflict while it is built, Missing where this
        machine cannot."""
        hindrance = await asyncio.to_thread(self._hindrance, self._home.builds)
        if hindrance is not None:
            raise Missing(hindrance.key, **hindrance.facts)
        if self.state.state == "building":
            raise Conflict("build.running", folder=str(self._home.builds))
        self._state.set(BuildState("building", "tools"))
        self._home.make()
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                str(self._home.builds),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # Ctrl-C in the terminal is for the one who started the job, who then ends it in order.
                start_new_session=os.name == "posix",
            )
        self._following = asyncio.create_task(self._follow(self._process))
        return self.state

    async def stop(self) -> BuildState:
        """Ends a job that runs; nothing half-made stays."""
        process = self._process
        if process is not None and process.returncode is None and process.stdin:
            self._process = None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), CLOSING_SECONDS)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()
            self._state.set(await asyncio.to_thread(self._look))
        return self.state

    def _look(self) -> BuildState:
        """What is there and what is possible. Touches the disk."""
        native = find_native(self._home.builds)
        if native is not None:
            try:
                native.check()
            except EngineFailed as damage:
                return BuildState("failed", error=damage.value())
            return BuildState("ready", gain=native.manifest.gain)
        hindrance = self._hindrance(self._home.builds)
        return BuildState("impossible", obstacle=hindrance) if hindrance else BuildState("available")

    @property
    def _log(self) -> Path:
        return self._home.logs / "build.log"

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Until the job's end, which the state then tells."""
        last: Report | None = None
        decoder = msgspec.json.Decoder(Report)
        assert process.stdout is not None
        async for line in process.stdout:
            last = decoder.decode(line)
            if isinstance(last, Working) and process is self._process:
                self._state.set(BuildState("building", last.step, last.share))
        code = await process.wait()
        if process is self._process:
            self._state.set(await asyncio.to_thread(self._outcome, last, code))

    def _outcome(self, last: Report | None, code: int) -> BuildState:
        match last:
            case Refused(error):
                return BuildState("failed", error=error)
            case Working() | None:
                died = EngineFailed("build.died", code=code, log=str(self._log))
                return BuildState("failed", error=died.value())
            case _:
                return self._look()
