"""The compiled library: kept per source and processor, checked before it is loaded, never a reason not to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from samovar.core.errors import EngineFailed
from samovar.engines.llama import native
from samovar.engines.llama.builds import find_native, installed
from samovar.engines.llama.cpu import Cpu, read_cpu
from samovar.engines.llama.ladder import settings
from samovar.engines.llama.native import Manifest, Native, place, read_native, sha256

CPU = Cpu("x86_64", frozenset({"avx2", "avx512f"}), 8)
IK = next((found.version for found in installed() if found.build == "ik"), None)

needs_ik = pytest.mark.skipif(IK is None, reason="the ik build of libllama is not installed")


def put(folder: Path, built: float = 1.0, source: str = "1") -> Native:
    """Files that claim to be a library, with a manifest that fits them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in native.LIBRARIES:
        (folder / name).write_bytes(b"not a library")
    files = {name: sha256(folder / name) for name in native.LIBRARIES}
    manifest = Manifest(source=source, processor=CPU.key, compiler="c++", built=built, files=files, gain=1.5)
    (folder / native.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    found = read_native(folder)
    assert found is not None
    return found


def test_each_source_and_processor_has_a_folder_of_its_own(tmp_path: Path) -> None:
    other = Cpu("x86_64", frozenset({"avx2"}), 8)
    assert len({place(tmp_path, "1", CPU), place(tmp_path, "2", CPU), place(tmp_path, "1", other)}) == 3
    assert place(tmp_path, "1", CPU) == place(tmp_path, "1", Cpu(CPU.machine, CPU.flags, 2))


def test_every_library_that_was_built_has_an_identity_of_its_own(tmp_path: Path) -> None:
    first, second = put(tmp_path / "a", built=1.0), put(tmp_path / "a", built=2.0)
    assert first.version != second.version and first.version.startswith("1+")


@pytest.mark.parametrize("damage", ["", "{", '{"source": 1}'])
def test_what_was_not_finished_is_no_library(tmp_path: Path, damage: str) -> None:
    assert read_native(tmp_path) is None
    (tmp_path / native.MANIFEST).write_text(damage)
    assert read_native(tmp_path) is None


@pytest.mark.parametrize("name", native.LIBRARIES)
def test_a_changed_or_missing_file_is_found(tmp_path: Path, name: str) -> None:
    found = put(tmp_path)
    found.check()
    (tmp_path / name).write_bytes(b"not a librarx")
    with pytest.raises(EngineFailed, match=name):
        found.check()
    (tmp_path / name).unlink()
    with pytest.raises(EngineFailed, match="samovar build"):
        found.check()


@needs_ik
def test_the_compiled_one_stands_first_where_it_fits(tmp_path: Path) -> None:
    assert IK is not None and find_native(tmp_path) is None
    found = put(place(tmp_path, IK, read_cpu()), source=IK)
    assert find_native(tmp_path) == found
    assert installed(found.folder)[0].build == "ik-native"
    assert [b.build for b in installed(found.folder)[1:]] == [b.build for b in installed()]


def test_it_is_tried_first_without_the_faults_that_were_repaired_and_stepped_down_from() -> None:
    rungs = settings(builds=("ik-native", "ik", "mainline"), cpu=CPU, parallel=4, tensors=[("Q4_1", 576)])
    assert list(dict.fromkeys(rung.build for rung in rungs)) == ["ik-native", "ik", "mainline"]
    assert rungs[0].micro_batch > 32
    assert all(rung.micro_batch < 32 for rung in rungs if rung.build == "ik")
    only = settings(builds=("ik-native", "ik", "mainline"), cpu=CPU, parallel=1, preference="ik")
    assert {rung.build for rung in only} == {"ik-native", "ik"}


@needs_ik
def test_a_library_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    found = put(tmp_path, source=IK or "")
    code = (
        "import sys; from samovar.core.errors import EngineFailed\n"
        "from samovar.engines.llama.opening import load_binding\n"
        "try: load_binding('ik-native', sys.argv[1])\n"
        "except EngineFailed as why: print(why.key)"
    )
    child = subprocess.run([sys.executable, "-c", code, found.folder], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "engines.library_broken"
