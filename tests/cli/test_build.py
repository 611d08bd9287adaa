"""`samovar build`: what it says, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from samovar.cli import build as command
from samovar.core.errors import EngineFailed
from samovar.engines.llama.builds import find_native, installed
from samovar.services.building import BuildService
from tests.support.building import FINISHES, REFUSES, scripted

needs_ik = pytest.mark.skipif(
    not any(found.build == "ik" for found in installed()), reason="the ik build of libllama is not installed"
)


def run(monkeypatch: pytest.MonkeyPatch, home: Path, script: str, **options: bool) -> None:
    def made(_: object) -> BuildService:
        return scripted(home, script)

    monkeypatch.setattr(command, "BuildService", made)
    command.build(home=home, **options)


@needs_ik
def test_it_builds_once_and_again_on_request_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, FINISHES)
    assert "1.5 times" in capsys.readouterr().out
    run(monkeypatch, tmp_path, REFUSES)
    assert "already compiled" in capsys.readouterr().out
    with pytest.raises(EngineFailed, match="did not compile"):
        run(monkeypatch, tmp_path, REFUSES, again=True)
    assert find_native(tmp_path / "builds")
    for said in ("removed", "no compiled library"):
        run(monkeypatch, tmp_path, REFUSES, remove=True)
        assert said in capsys.readouterr().out
    assert not find_native(tmp_path / "builds")


@needs_ik
def test_ctrl_c_ends_the_job_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_build", interrupted)
    with pytest.raises(typer.Exit) as ended:
        run(monkeypatch, tmp_path, FINISHES)
    assert ended.value.exit_code == 130
    assert "Nothing was left behind" in capsys.readouterr().err
