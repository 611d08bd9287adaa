"""The library lists plain files by unique names, survives damaged ones, finds a model by what is typed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from samovar.core.errors import NotFound, StorageFailed
from samovar.core.home import Home
from samovar.hub.library import Library
from samovar.hub.placing import place
from samovar.hub.starter import put_starter, starter_file
from tests.formats.gguf_bytes import small

VALID = small().bytes()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def put(home: Home, name: str, content: bytes = VALID) -> Path:
    path = home.models / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(home: Home) -> list[str]:
    return [model.name for model in Library(home).models()]


def test_lists_models_with_what_their_headers_say(home: Home) -> None:
    path = put(home, "Tiny.gguf")
    (model,) = Library(home).models()
    assert (model.name, model.path, model.size) == ("Tiny", str(path), len(VALID))
    assert (model.quant, model.architecture, model.problem) == ("Q4_1", "llama", None)
    assert model.created == pytest.approx(path.stat().st_mtime)


def test_a_home_without_a_folder_is_an_empty_library(tmp_path: Path) -> None:
    assert Library(Home(tmp_path / "nowhere")).models() == ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["b.gguf", "A.gguf"], ["A", "b"]),
        (["org/repo/a.gguf"], ["a"]),
        (["one/a.gguf", "two/a.gguf"], ["one/a", "two/a"]),
        (["a.gguf", "sub/A.gguf"], ["a", "sub/A"]),
        (["a.gguf.part", ".hidden.gguf", ".cache/b.gguf", "notes.txt", "a.gguf.part.json"], []),
    ],
)
def test_names_are_file_names_with_folders_only_where_needed(
    home: Home, files: list[str], expected: list[str]
) -> None:
    for file in files:
        put(home, file)
    assert names(home) == expected


def test_damaged_files_are_listed_with_their_problem(home: Home) -> None:
    put(home, "good.gguf")
    put(home, "cut.gguf", VALID[:-1])
    put(home, "page.gguf", b"<!doctype html>")
    put(home, "deep/folder.gguf/inner.gguf")
    put(home, "projector.gguf", small().put_text("general.type", "mmproj").bytes())
    problems = {m.name: m.problem.key if m.problem else None for m in Library(home).models()}
    assert problems == {
        "cut": "formats.cut_data",
        "good": None,
        "inner": None,
        "page": "formats.is_html",
        "projector": "formats.not_language_model",
    }


def test_a_split_model_is_one_model(home: Home) -> None:
    for number, file in enumerate((small(), small()), start=1):
        for key, value in (("split.no", number - 1), ("split.count", 2)):
            file.put_u32(key, value)
        for tensor in file.tensors:
            tensor.name += f".{number}"
        put(home, f"big-{number:05d}-of-00002.gguf", file.bytes())
    (model,) = Library(home).models()
    assert (model.name, model.problem) == ("big", None)
    assert model.size == sum(f.stat().st_size for f in home.models.iterdir())
    assert Library(home).remove("big") == model
    assert list(home.models.iterdir()) == []


def test_a_changed_file_is_read_again(home: Home) -> None:
    library, path = Library(home), put(home, "a.gguf", VALID[:-1])
    assert library.models()[0].problem is not None
    path.write_bytes(VALID)
    assert library.models()[0].problem is None
    path.unlink()
    assert library.models() == ()


def test_an_unchanged_file_is_read_once(home: Home) -> None:
    library, path = Library(home), put(home, "a.gguf")
    before = library.models()[0]
    stat = path.stat()
    path.write_bytes(b"\0" * len(VALID))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert library.models()[0] is before


def test_linked_folders_are_followed_and_loops_survived(home: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.gguf").write_bytes(VALID)
    (home.models / "linked").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(elsewhere)
    assert names(home) == ["a"]


# Finding


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Qwen3-8B-Q4_K_M", "Qwen3-8B-Q4_K_M"),
        ("qwen3-8b-q4_k_m", "Qwen3-8B-Q4_K_M"),
        ("Qwen3-8B-Q4_K_M.gguf", "Qwen3-8B-Q4_K_M"),
        ("org/repo/qwen3-8b-q4_k_m.gguf", "Qwen3-8B-Q4_K_M"),
        ("qwen3", "Qwen3-8B-Q4_K_M"),
        ("one/llama", "one/llama"),
        ("gemma", "gemma"),
    ],
)
def test_finds_by_name_in_any_case_and_by_prefix(home: Home, wanted: str, found: str) -> None:
    for file in (
        "org/repo/Qwen3-8B-Q4_K_M.gguf",
        "one/llama.gguf",
        "two/llama.gguf",
        "gemma.gguf",
        "gemma-it.gguf",
    ):
        put(home, file)
    assert Library(home).find(wanted).name == found


def refusal(library: Library, wanted: str) -> tuple[str, Iterable[str]]:
    with pytest.raises(NotFound) as caught:
        library.find(wanted)
    assert "{" not in caught.value.text("ru") + caught.value.text("en")
    return caught.value.key, str(caught.value.facts.get("names", "")).split(", ")


def test_says_what_was_near(home: Home) -> None:
    library = Library(home)
    assert refusal(library, "anything")[0] == "hub.library_empty"
    for file in ("one/llama.gguf", "two/llama.gguf", "gemma-3.gguf", "gemma-2.gguf"):
        put(home, file)
    assert refusal(library, "gema-3") == ("hub.model_not_found_near", ["gemma-3", "gemma-2"])
    assert refusal(library, "llama") == ("hub.model_ambiguous", ["one/llama", "two/llama"])
    assert refusal(library, "gemma") == ("hub.model_ambiguous", ["gemma-2", "gemma-3"])
    assert refusal(library, "")[0] == "hub.model_not_found_near"
    for stranger in ("zzzzzz", "nul\0", "../../etc/passwd"):
        assert refusal(library, stranger)[0] == "hub.model_not_found"


def test_only_locate_looks_outside_the_library(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(VALID)
    library = Library(home)
    inside = put(home, "inside.gguf")
    assert library.locate(str(outside)).path == str(outside)
    assert library.locate(str(inside)) == library.locate("inside") == library.find("inside")
    with pytest.raises(NotFound):
        library.find(str(outside))
    with pytest.raises(NotFound):
        library.locate(str(tmp_path / "missing.gguf"))


def test_removing_takes_the_files_and_the_empty_folders(home: Home) -> None:
    put(home, "org/repo/a.gguf")
    put(home, "org/b.gguf")
    Library(home).remove("a")
    assert sorted(p.name for p in home.models.rglob("*")) == ["b.gguf", "org"]
    with pytest.raises(NotFound):
        Library(home).remove("a")


# The starter model, and putting files in their place


def test_the_starter_goes_into_an_empty_library_only(home: Home) -> None:
    path = put_starter(home)
    assert path is not None and path.samefile(starter_file())
    assert Library(home).find("smollm2").quant == "Q4_1"
    assert put_starter(home) is None


def test_across_disks_a_file_is_copied(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    source = put(home, "a.gguf")
    monkeypatch.setattr(os, "link", refuse)
    place(source, home.models / "b.gguf")
    assert (home.models / "b.gguf").read_bytes() == VALID
    assert not (home.models / "b.gguf").samefile(source)
    assert len(list(home.models.iterdir())) == 2


def test_a_full_disk_is_said_and_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    source = put(home, "a.gguf")
    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageFailed) as caught:
        place(source, home.models / "b.gguf")
    assert caught.value.key == "hub.disk_full"
    assert list(home.models.iterdir()) == [source]
