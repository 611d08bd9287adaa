"""What `samovar doctor` tells: the facts, and what to do about what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import typer

from samovar.cli import doctor
from samovar.cli.examination import Build, Caches, Examination, Gpu, HomeState, Processor, examine, parse_gpus
from samovar.core.catalogue import LANGUAGES, say
from samovar.core.engine import Note
from samovar.core.errors import ErrorValue, InvalidInput
from samovar.core.home import Home
from samovar.services.contracts import BuildState

GIB = 1024**3

WELL = Examination(
    samovar="1",
    system="Linux",
    python="3.11",
    processor=Processor("A processor", "x86_64", 2, 4, ("avx2",)),
    memory=16 * GIB,
    memory_free=8 * GIB,
    gpus=(),
    builds=(Build("ik", "1", True), Build("mainline", "2", True)),
    native=BuildState("ready", gain=1.5),
    packages={"numpy": "2"},
    home=HomeState("/somewhere", True, True, 1, 100 * GIB, None),
    caches=Caches(2 * GIB, 10 * GIB, 3 * GIB),
    page_built=True,
)


def keys(found: Examination) -> list[str]:
    return [note.key for note in doctor.missing(found)]


def test_nothing_is_said_of_a_machine_that_has_everything() -> None:
    assert keys(WELL) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"packages": {"numpy": None}}, ["doctor.packages_missing"]),
        ({"builds": ()}, ["doctor.no_build"]),
        ({"builds": (Build("ik", "1", True),)}, ["doctor.no_mainline"]),
        ({"builds": (Build("ik", "1", False),)}, ["doctor.no_build", "doctor.ik_unusable"]),
        ({"builds": (Build("ik", "1", False), Build("mainline", "2", True))}, ["doctor.ik_unusable"]),
        ({"gpus": (Gpu("A card", 24 * GIB, "550"),)}, ["doctor.gpu_unused"]),
        ({"page_built": False}, ["doctor.no_page"]),
        ({"native": BuildState("available")}, ["build.offer"]),
        ({"native": BuildState("failed", error=ErrorValue("EngineFailed", "build.stopped"))}, ["build.stopped"]),
        ({"native": BuildState("impossible", obstacle=Note("build.no_compiler"))}, ["build.no_compiler"]),
        ({"native": BuildState("impossible", obstacle=Note("build.windows"))}, []),
    ],
)
def test_what_is_missing_is_said(change: dict[str, object], expected: list[str]) -> None:
    assert keys(msgspec.structs.replace(WELL, **change)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"writable": False}, "doctor.home_not_writable"),
        ({"models": 0}, "doctor.no_models"),
        ({"free": GIB}, "doctor.little_disk"),
        (
            {"settings_error": InvalidInput("core.settings_unreadable", path="p", reason="r")},
            "core.settings_unreadable",
        ),
    ],
)
def test_a_home_that_cannot_be_used_well_is_said(change: dict[str, object], expected: str) -> None:
    home = msgspec.structs.replace(WELL.home, **change)
    assert keys(msgspec.structs.replace(WELL, home=home)) == [expected]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_a_sentence(language: str) -> None:
    bare = msgspec.structs.replace(
        WELL, builds=(), gpus=(Gpu("A card", 24 * GIB, "550"),), packages={"numpy": None}, page_built=False
    )
    said = [*doctor.lines(bare, language), *(say(n.key, language, **n.facts) for n in doctor.missing(bare))]
    assert all("{" not in sentence for sentence in said)
    assert any("1.5" in sentence for sentence in doctor.lines(WELL, language))
    assert any("A card" in sentence and "24.0" in sentence for sentence in said)
    assert any("2.0" in sentence and "10.0" in sentence and "3.0" in sentence for sentence in said)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    found = examine(Home(tmp_path / "not there"))
    assert not (tmp_path / "not there").exists()
    assert not found.home.exists and found.home.writable and found.home.models == 0
    assert found.memory > found.memory_free > 0
    assert found.packages["msgspec"]


def test_room_for_caches_is_what_the_settings_say_else_a_share_of_what_is_free(tmp_path: Path) -> None:
    caches = examine(Home(tmp_path)).caches
    assert 0 < caches.ram <= 2 * 10**9 and 0 < caches.disk <= 10 * 10**9 and caches.used == 0
    (tmp_path / "settings.toml").write_text("kv_ram = 300\nkv_disk = '0'")
    (tmp_path / "kv" / "model").mkdir(parents=True)
    (tmp_path / "kv" / "model" / "cache.kv").write_bytes(bytes(1000))
    assert examine(Home(tmp_path)).caches == Caches(300 * 10**6, 0, 1000)


def test_json_holds_the_findings_and_the_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.toml").write_text("port = 'seven'")
    try:
        doctor.doctor(home=tmp_path, as_json=True)
    except typer.Exit as ended:
        assert ended.exit_code == 1
    told = json.loads(capsys.readouterr().out)
    assert told["home"]["path"] == str(tmp_path)
    assert any("settings.toml" in sentence for sentence in told["advice"])


def test_cards_are_read_from_what_nvidia_smi_tells() -> None:
    told = "NVIDIA GeForce RTX 3090, 24576, 550.54\nA card, with a comma, 8192, 1.2\n[N/A]\nX, many, 3\n"
    assert parse_gpus(told) == (
        Gpu("NVIDIA GeForce RTX 3090", 24 * GIB, "550.54"),
        Gpu("A card, with a comma", 8 * GIB, "1.2"),
    )
