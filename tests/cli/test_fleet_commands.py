"""ps, load, unload and alias: what they ask of the server that runs, and what they say where none does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from samovar.core.home import Home
from tests.cli.test_serve import environment, serving
from tests.support.tiny_llama import TinyLlama

KEY = {"SAMOVAR_API_KEY": "secret"}


def samovar(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samovar", *arguments],
        capture_output=True,
        text=True,
        env=environment(home, **more),
        check=False,
    )


def loaded(home: Path) -> set[str]:
    return {line["name"] for line in json.loads(samovar(home, "ps", "--json", **KEY).stdout)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = Home(tmp_path / "home")
    place.make()
    TinyLlama().write(place.models / "tiny.gguf")
    return place.root


def test_models_are_loaded_listed_and_unloaded_in_the_server_that_runs(home: Path) -> None:
    with serving(home, **KEY):
        done = samovar(home, "load", "tiny", **KEY)
        assert (done.returncode, done.stdout) == (0, "tiny is loaded.\n"), done.stderr
        assert {"tiny"} <= loaded(home) <= {"tiny", "echo"}
        table = samovar(home, "ps", **KEY).stdout
        assert "tiny" in table and "ready" in table
        assert samovar(home, "unload", "tiny", **KEY).stdout == "tiny is unloaded.\n"
        assert "tiny" not in loaded(home)
        assert samovar(home, "unload", **KEY).stdout == "All models are unloaded.\n"
        assert samovar(home, "ps", **KEY).stdout == "No model is loaded.\n"


def test_what_the_server_refuses_with_is_said(home: Path) -> None:
    with serving(home, **KEY):
        wrong = samovar(home, "load", "nothing", **KEY)
        assert (wrong.returncode, wrong.stdout) == (2, "") and "nothing" in wrong.stderr
        locked = samovar(home, "ps", "--api-key", "another")
        assert (locked.returncode, locked.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("command", [("ps",), ("load", "tiny"), ("unload",)])
def test_without_a_server_that_is_said(home: Path, command: tuple[str, ...]) -> None:
    done = samovar(home, *command, LC_ALL="ru_RU.UTF-8")
    assert done.returncode == 2
    assert done.stderr == f"С папкой {home} сейчас не работает ни один Самовар. Запустите его: samovar serve.\n"


def test_other_names_need_no_server(home: Path) -> None:
    assert samovar(home, "alias").stdout.startswith("No model has another name.")
    assert samovar(home, "alias", "gpt-4o", "tiny").stdout == "gpt-4o stands for tiny now.\n"
    assert samovar(home, "alias").stdout == "gpt-4o = tiny\n"
    assert samovar(home, "show", "gpt-4o").returncode == 0
    assert samovar(home, "alias", "--remove", "gpt-4o").returncode == 0
    assert samovar(home, "alias", "--remove", "gpt-4o").returncode == 2
    assert "samovar alias x MODEL" in samovar(home, "alias", "x").stderr
