"""The real server, as a person starts it: `samovar serve` in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    home: Path
    said: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        with self.client() as client:
            return client.get(path)

    def post(self, path: str, body: object) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json=body)

    def worker_pid(self) -> int:
        """The one child process that runs the model."""
        (pid,) = [child.pid for child in psutil.Process(self.process.pid).children()]
        return pid

    def kill(self) -> None:
        """As the power button would."""
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        """As Ctrl-C would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        return code


Serve = Callable[..., Served]


def samovar(*arguments: str, home: Path, **run: object) -> subprocess.CompletedProcess[str]:
    """One command of the command line, in English."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "samovar", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=120,
        **{"stdin": subprocess.DEVNULL, **run} if "input" not in run else run,
    )


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"SAMOVAR_HOME": str(home), "LC_ALL": "C.UTF-8"}


def start(home: Path, *options: str) -> Served:
    """Starts a server and waits for the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "samovar", "serve", "--port", "0", "--no-browser", *options],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        found = ADDRESS.search(line)
        if found:
            return Served(process, int(found[1]), home, said)
    raise AssertionError("the server did not start:\n" + "".join(said))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers that end with the test; `home` defaults to a fresh folder."""
    running: list[Served] = []

    def begin(*options: str, home: Path | None = None) -> Served:
        served = start(home or tmp_path / "home", *options)
        running.append(served)
        return served

    yield begin
    for served in running:
        served.stop()


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with the starter model for all tests that only talk to it."""
    served = start(tmp_path_factory.mktemp("starter"), "--ctx", "2048")
    with served.client() as client:
        assert client.post("/v1/completions", json={"prompt": "Hello", "max_tokens": 1}).status_code == 200
    yield served
    served.stop()


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The JSON values of a stream of server-sent events, up to [DONE]."""
    for line in lines:
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line[len("data: ") :])
