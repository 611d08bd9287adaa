"""The two sides as processes: how each is started for a row, when it is ready, how it is paused and ended.

Every option that is given is here, and why. Asks nothing about answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bench.peers.client import HOST, Refused, call

SLOTS = 4
"""Answers at once where a row does not say: what both sides take unasked."""
READY_SECONDS, STOP_SECONDS, QUIET_SECONDS, LOOK_SECONDS = 180, 60, 30, 0.5
QUIET_SHARE = 0.05
"""Of one core."""


class NotServing(Exception):
    """A side that could not be started."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a row asks of a server. `window`: tokens of one conversation; `ram`: megabytes for caches of
    conversations beside the live ones; `reuse`: whether the peer may shift cached chunks to new places."""

    window: int
    parallel: int | None = None
    ram: int | None = None
    reuse: bool = False


class Side(Protocol):
    """A server that can be measured. `slides`: it keeps a chat within the window by itself. `prepare`: before its
    first start in `home`."""

    @property
    def name(self) -> str: ...
    @property
    def slides(self) -> bool: ...
    def prepare(self, home: Path, /) -> None: ...
    def command(self, setup: Setup, port: int, home: Path, /) -> list[str]: ...
    async def ready(self, port: int) -> bool: ...


@dataclass(frozen=True)
class Samovar:
    """As a person starts it; without a number of slots it decides by itself. `builds`: where `samovar build` has
    put the library that was compiled here; None for the wheel."""

    model: Path
    threads: int
    extra: tuple[str, ...] = ()
    builds: Path | None = None
    name: str = "Samovar"
    slides: bool = True

    def prepare(self, home: Path, /) -> None:
        lend_builds(home, self.builds)

    def command(self, setup: Setup, port: int, home: Path, /) -> list[str]:
        command = [sys.executable, "-m", "samovar", "serve", "--no-browser", "--home", str(home)]
        command += ["--port", str(port), "--model", str(self.model), "--threads", str(self.threads)]
        command += ["--ctx", str(setup.window)]
        if setup.parallel is not None:
            command += ["--parallel", str(setup.parallel)]
        if setup.ram is not None:
            command += ["--kv-ram", f"{setup.ram}M"]
        return [*command, *self.extra]

    async def ready(self, port: int) -> bool:
        model = (await call(port, "GET", "/health"))["model"]
        if model["state"] == "failed":
            raise NotServing(f"{self.name}: {model['error']}")
        return bool(model["state"] == "ready")


@dataclass(frozen=True)
class LlamaServer:
    """llama.cpp's server. Where a row gives no number of slots it has its own default, four over one common pool of
    cells, here as large as Samovar's. `--cache-reuse` needs the full cache of models with sliding windows."""

    binary: Path
    model: Path
    threads: int
    extra: tuple[str, ...] = ()
    name: str = "llama-server"
    slides: bool = False

    def prepare(self, _home: Path, /) -> None:
        """It needs nothing."""

    def command(self, setup: Setup, port: int, _home: Path, /) -> list[str]:
        command = [str(self.binary), "--host", HOST, "--port", str(port), "--model", str(self.model), "--offline"]
        command += ["--threads", str(self.threads)]
        if setup.parallel is None:
            command += ["--kv-unified-per-slot", str(setup.window)]
        else:
            command += ["--parallel", str(setup.parallel), "--ctx-size", str(setup.parallel * setup.window)]
        if setup.ram is not None:
            command += ["--cache-ram", str(round(setup.ram * 1e6 / 2**20))]
        if setup.reuse:
            command += ["--cache-reuse", "256", "--swa-full"]
        return [*command, *self.extra]

    async def ready(self, port: int) -> bool:
        return bool((await call(port, "GET", "/health"))["status"] == "ok")


class Server:
    """One running side with a folder of its own, which outlives a restart."""

    def __init__(self, side: Side, setup: Setup, folder: Path) -> None:
        self.side = side
        self._setup = setup
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._spent = 0.0
        self.port = 0

    def start(self) -> None:
        """Returns when the model is loaded. Raises NotServing with the end of its log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.side.prepare(self._folder / "home")
        self.port = free_port()
        command = self.side.command(self._setup, self.port, self._folder / "home")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"LC_ALL": "C.UTF-8"}
            )
        try:
            asyncio.run(self._wait())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """As Ctrl-C would; what does not end is killed."""
        if self._process is None:
            return
        tree = self._tree()
        self._spent = self.processor_seconds()
        self.resume()
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Stops its processes where they are: what it does in idle time must not cost the other side."""
        for process in self._tree():
            process.suspend()

    def resume(self) -> None:
        for process in self._tree():
            process.resume()

    def settle(self) -> None:
        """Waits until it has nothing more to do, as between the messages of a person; not for ever."""
        deadline = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < deadline:
            before = self.processor_seconds()
            time.sleep(LOOK_SECONDS)
            if self.processor_seconds() - before < QUIET_SHARE * LOOK_SECONDS:
                return

    def memory(self) -> float:
        """Resident megabytes of all its processes."""
        return float(sum(process.memory_info().rss for process in self._tree())) / 1e6

    def processor_seconds(self) -> float:
        """What all its processes have used, those before a restart counted in."""
        return self._spent + float(sum(sum(process.cpu_times()[:2]) for process in self._tree()))

    def _tree(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        main = psutil.Process(self._process.pid)
        return [main, *main.children(recursive=True)]

    async def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            # 503 while it loads, nobody there before.
            with contextlib.suppress(Refused, OSError, IndexError):
                if await self.side.ready(self.port):
                    return
            await asyncio.sleep(0.05)
        tail = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise NotServing(f"{self.side.name} did not get ready:\n{tail}")


def lend_builds(home: Path, builds: Path | None) -> None:
    """Makes `home` use the libraries in `builds`, where there are some."""
    place = home / "builds"
    if builds and not place.exists():
        home.mkdir(parents=True, exist_ok=True)
        place.symlink_to(builds.resolve(), target_is_directory=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
