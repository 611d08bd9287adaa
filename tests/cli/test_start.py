"""What ./start.sh does before it serves."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", ROOT / "scripts" / "prepare.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("language", "said"), [("C", "Samovar needs Python 3.10"), ("ru_RU.UTF-8", "Самовару нужен")]
)
def test_without_a_python_start_sh_says_what_to_install(tmp_path: Path, language: str, said: str) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    environment = {"PATH": str(tmp_path), "LANG": language}
    done = subprocess.run([ROOT / "start.sh"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(said) and "apt install python3" in done.stderr


def test_a_python_without_venv_is_told_which_package_brings_it(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(prepare.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(prepare.Failed) as failed:
        prepare.check_python()
    assert f"apt install python{version}-venv" in failed.value.sentence


def test_serve_options_are_read_in_both_spellings(prepare: ModuleType) -> None:
    assert prepare.option(["--port", "1", "--home", "/a b"], "--home") == "/a b"
    assert prepare.option(["--home=/a=b"], "--home") == "/a=b"
    assert prepare.option(["--home"], "--home") is None
    assert prepare.option([], "--home") is None


def test_a_stamp_fits_only_what_it_was_made_from(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    source, stamp = tmp_path / "source", tmp_path / "stamps" / "step"
    source.write_text("one")
    prepare.put_stamp(stamp, prepare.digest([source]))
    assert prepare.stamped(stamp, prepare.digest([source]))
    source.write_text("two")
    assert not prepare.stamped(stamp, prepare.digest([source]))
    source.write_text("one")
    assert not prepare.stamped(stamp, prepare.digest([source.rename(tmp_path / "renamed")]))


@pytest.mark.parametrize(
    ("version", "good"), [("v22.18.0", True), ("v24.1.0", True), ("v20.20.2", False), ("?", False)]
)
def test_a_node_that_is_too_old_is_not_used(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    for tool in ("node", "npm"):
        (tmp_path / tool).write_text(f"#!/bin/sh\necho '{version}'\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert prepare.system_npm() == (str(tmp_path / "npm") if good else None)


def test_a_failed_step_shows_what_was_said(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(prepare.Failed) as failed:
        prepare.run(sys.executable, "-c", "import sys; sys.exit('no network')")
    assert "no network" in capsys.readouterr().err
    assert "Run the command again" in failed.value.sentence


def test_a_library_with_a_model_needs_no_starter(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "PYTHON", Path(sys.executable))
    assert prepare.library_is_empty(str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "any.gguf").touch()
    assert not prepare.library_is_empty(str(tmp_path))


@pytest.fixture
def workshop(prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`prepare` with stamps of its own, and what it would run written down in `workshop.ran`."""
    monkeypatch.setattr(prepare, "STAMPS", tmp_path)
    monkeypatch.setattr(prepare, "compilers", lambda: ["/usr/bin/c++"])
    monkeypatch.setattr(prepare, "ran", [], raising=False)
    monkeypatch.setattr(prepare, "run", lambda *command, **_: prepare.ran.append(str(command[-1])))
    return prepare


def test_the_kernel_is_built_once(workshop: ModuleType) -> None:
    for _ in range(2):
        workshop.ensure_kernel(workshop.Steps(), show=False)
    assert workshop.ran.count(str(ROOT / "native")) == 1


def test_without_a_compiler_one_line_says_so_once(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that was built from older sources is taken away: it would not fit."""
    monkeypatch.setattr(workshop, "compilers", list)
    with pytest.raises(workshop.Failed, match="kernel_no_compiler"):
        workshop.ensure_kernel(workshop.Steps(), show=False)
    workshop.ensure_kernel(workshop.Steps(), show=False)
    assert workshop.ran == ["samovar-kernel"]


def test_a_kernel_that_does_not_compile_is_tried_again_with_another_compiler(
    workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*command: object, **_: object) -> None:
        workshop.ran.append(str(command[-1]))
        if command[-1] == ROOT / "native":
            raise workshop.Failed("setup.kernel_failed")

    monkeypatch.setattr(workshop, "run", fail)
    with pytest.raises(workshop.Failed):
        workshop.ensure_kernel(workshop.Steps(), show=False)
    workshop.ensure_kernel(workshop.Steps(), show=False)
    assert workshop.ran.count(str(ROOT / "native")) == 1
    monkeypatch.setattr(workshop, "compilers", lambda: ["/usr/bin/clang++"])
    with pytest.raises(workshop.Failed):
        workshop.ensure_kernel(workshop.Steps(), show=False)
    assert workshop.ran.count(str(ROOT / "native")) == 2


def test_a_network_that_fails_is_tried_again(workshop: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*command: object, **_: object) -> None:
        workshop.ran.append(str(command[-1]))
        raise workshop.Failed("setup.kernel_failed")

    monkeypatch.setattr(workshop, "run", fail)
    for _ in range(2):
        with pytest.raises(workshop.Failed):
            workshop.ensure_kernel(workshop.Steps(), show=False)
    assert len(workshop.ran) == 2
