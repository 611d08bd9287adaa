"""The `samovar` command as a person meets it: help, languages, exit codes, sentences instead of stacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from samovar.cli.failures import guarded
from samovar.cli.main import COMMANDS, command_line
from samovar.cli.options import home_from, terminal_language
from samovar.core.errors import Busy, DownloadFailed, EngineFailed, InvalidInput, NotFound, SamovarError

SAMOVAR = Path(sys.executable).with_name("samovar")


def samovar(
    *arguments: str, language: str = "C.UTF-8", home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": language, "LC_ALL": language}
    if home:
        environment["SAMOVAR_HOME"] = str(home)
    return subprocess.run([SAMOVAR, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_help_names_every_command() -> None:
    done = samovar("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_help_speaks_the_terminals_language() -> None:
    assert "Осмотреть машину" in samovar("--help", language="ru_RU.UTF-8").stdout
    assert "для программ" in samovar("doctor", "--help", language="ru_RU.UTF-8").stdout
    assert "Look at the machine" in samovar("--help", language="de_DE.UTF-8").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_in_sentences(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [name, "--help"]
    command_line(asked, "en").main(asked, prog_name="samovar", standalone_mode=False)
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: samovar {name} ")
    assert "cli." not in said and "hub." not in said and "sampling." not in said


def test_a_mistyped_command_gets_a_suggestion_and_exit_code_2() -> None:
    done = samovar("serv")
    assert done.returncode == 2
    assert "serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_out_of_range_is_exit_code_2() -> None:
    done = samovar("serve", "--port", "70000")
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_settings_file_with_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("prot = 1\n")
    done = samovar("serve", home=tmp_path)
    assert done.returncode == 2
    assert "prot" in done.stderr and "port" in done.stderr and str(tmp_path / "settings.toml") in done.stderr


def test_an_address_that_others_reach_needs_a_key(tmp_path: Path) -> None:
    done = samovar("serve", "--host", "0.0.0.0", "--port", "0", home=tmp_path)
    assert done.returncode == 2
    assert "--api-key" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("cli.nothing_asked"), 2),
        (NotFound("cli.nothing_asked"), 2),
        (Busy("cli.nothing_asked"), 1),
        (EngineFailed("cli.nothing_asked"), 1),
        (DownloadFailed("cli.nothing_asked"), 1),
    ],
)
def test_an_expected_failure_is_one_sentence(
    error: SamovarError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        guarded(command, "ru")()
    assert ended.value.exit_code == code
    assert capsys.readouterr().err == f"{error.text('ru')}\n"


def test_an_unexpected_failure_is_one_sentence_and_its_traceback_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(home: Path) -> None:
        raise ZeroDivisionError(f"in {home.name}")

    with pytest.raises(typer.Exit) as ended:
        guarded(command, "en")(home=tmp_path)
    said = capsys.readouterr().err
    [log] = (tmp_path / "logs").iterdir()
    assert ended.value.exit_code == 1
    assert said.count("\n") == 1 and str(log) in said
    assert "Traceback" in log.read_text() and "ZeroDivisionError" in log.read_text()


def test_the_home_folder_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_from(Path("~/models here")).root == tmp_path / "models here"
    assert home_from(None).root.name == "samovar"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ru_RU"}, "ru"),
        ({"LANG": "ru_RU", "LC_ALL": ""}, "ru"),
    ],
)
def test_the_terminals_language_is_the_first_that_is_said(environment: dict[str, str], language: str) -> None:
    assert terminal_language(environment) == language
