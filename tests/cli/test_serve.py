"""The life of `samovar serve`: it says where it is, refuses a taken port, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

SAMOVAR = (sys.executable, "-m", "samovar", "serve")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return kept | {"SAMOVAR_HOME": str(home), "LC_ALL": "C.UTF-8"} | more


@contextmanager
def serving(home: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and the address that it says."""
    process = subprocess.Popen(
        [*SAMOVAR, "--model", "echo", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(home, **more),
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        found = re.search(r"http://\S+", first)
        assert found, first
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def rest_of(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=60)
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_even_while_a_page_listens(tmp_path: Path, number: int) -> None:
    with (
        serving(tmp_path) as (process, url),
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
        client.stream("GET", "/samovar/events") as events,
    ):
        assert events.status_code == 200
        process.send_signal(number)
        said = rest_of(process)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert said.endswith("Stopped.\n")


def test_it_says_its_address_and_its_model_in_the_terminals_language(tmp_path: Path) -> None:
    with serving(tmp_path, LC_ALL="ru_RU.UTF-8") as (process, url):
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            client.post("/v1/completions", json={"prompt": "hi", "max_tokens": 1}).raise_for_status()
        process.send_signal(signal.SIGINT)
        said = rest_of(process)
    assert "Модель echo готова" in said
    assert said.endswith("Остановлен.\n")


def test_a_port_on_which_a_samovar_serves_is_refused_with_its_address(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run(
            [*SAMOVAR, "--port", port],
            capture_output=True,
            text=True,
            env=environment(tmp_path / "two"),
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert url in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "two").exists()


def test_a_key_guards_everything_but_the_health_page(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--host", "0.0.0.0", SAMOVAR_API_KEY="secret") as (_, url),
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        assert client.get("/health").status_code == 200
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers={"authorization": "Bearer secret"}).status_code == 200


def test_a_model_that_is_not_there_is_said_in_the_terminal_and_by_health(tmp_path: Path) -> None:
    with serving(tmp_path, "--model", "no-such-model") as (process, url):
        assert process.stdout is not None
        said = process.stdout.readline()
        while "There is no model" not in said:
            said += process.stdout.readline()
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            model = client.get("/health").json()["model"]
            assert client.get("/samovar/state").json()["model"] == model | {"notes": [], "context": None}
    assert (model["name"], model["state"]) == ("no-such-model", "failed")
    assert "no-such-model" in model["error"] and model["error"] in said


@pytest.mark.parametrize(
    ("option", "value"), [("--rope-alpha", "0.5"), ("--rope-freq-base", "-10000"), ("--rope-scale", "nan")]
)
def test_positions_that_cannot_be_are_refused_before_anything_starts(
    tmp_path: Path, option: str, value: str
) -> None:
    done = subprocess.run(
        [*SAMOVAR, "--model", "echo", "--port", "0", option, value],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(option[2:].replace("-", "_")) and done.stderr.count("\n") == 1
