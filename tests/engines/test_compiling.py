"""The job that compiles, short of compiling: its pins, its verdict, its specimens, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from samovar.core.errors import EngineFailed
from samovar.engines.llama.compiling import making, recipe
from samovar.engines.llama.compiling.judging import check
from samovar.engines.llama.compiling.repairs import REPAIRS, repair
from samovar.engines.llama.compiling.reports import SPANS, Refused, Report, working
from samovar.engines.llama.compiling.specimen import Specimen, widths_of
from samovar.engines.llama.compiling.trial import BATCHES, SPECIMENS, WAYS, Divergence
from samovar.formats.gguf import read_header

ROOT = Path(__file__).parents[2]
RIGHT = [Divergence(specimen.name, *way, 8, 0.001) for specimen in SPECIMENS for way in WAYS]


def test_the_pinned_source_is_one_that_the_lock_knows() -> None:
    lock = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8")
    for version, digest in recipe.SOURCES.items():
        assert f"ik-llama-cpp-python=={version}" in lock and f"--hash=sha256:{digest}" in lock
        assert recipe.requirement(version) == f"ik-llama-cpp-python=={version} --hash=sha256:{digest}\n"


def test_the_tools_are_pinned_with_hashes() -> None:
    text = making.LOCK.read_text(encoding="utf-8")
    for name in ("cmake", "ninja", "scikit-build-core"):
        assert f"\n{name}==" in text
    assert text.count("==") <= text.count("--hash=sha256:")


def source(folder: Path, *, changes: int = len(REPAIRS[0].changes)) -> Path:
    """As much of the library's source as is repaired."""
    file = folder / REPAIRS[0].file
    file.parent.mkdir(parents=True)
    file.write_text("// before\n" + "\n".join(change.before for change in REPAIRS[0].changes[:changes]), "utf-8")
    return file


def test_the_source_is_repaired_before_it_is_compiled(tmp_path: Path) -> None:
    file = source(tmp_path)
    repair(tmp_path)
    assert all(change.after in file.read_text("utf-8") for change in REPAIRS[0].changes)
    assert (file.parent / REPAIRS[0].header).is_file()


def test_a_source_that_is_not_the_known_one_is_left_alone(tmp_path: Path) -> None:
    file = source(tmp_path, changes=2)
    before = file.read_text("utf-8")
    with pytest.raises(EngineFailed, match="not the one that is known"):
        repair(tmp_path)
    assert file.read_text("utf-8") == before


def test_progress_never_goes_back() -> None:
    shares = [working(step, share).share for step in SPANS for share in (0.0, 0.5, 1.0)]
    assert shares == sorted(shares) and (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_library_that_agrees_is_right() -> None:
    check(RIGHT)


@pytest.mark.parametrize("nats", [0.2, float("nan"), float("inf")])
def test_one_wrong_product_is_enough(nats: float) -> None:
    wrong = Divergence("Q4_K-1024", 1, True, 256, nats)
    with pytest.raises(EngineFailed, match=r"Q4_K-1024.*256"):
        check([*RIGHT, wrong])


def test_a_library_that_left_something_out_is_not_trusted() -> None:
    with pytest.raises(EngineFailed, match=SPECIMENS[0].name):
        check(row for row in RIGHT if row.specimen != SPECIMENS[0].name)


def test_batches_reach_beyond_the_small_kernels() -> None:
    assert min(BATCHES) == 1 and {31, 32} <= set(BATCHES) and (4, True) not in WAYS


def test_a_specimen_is_a_model_file(tmp_path: Path) -> None:
    binding = pytest.importorskip("ik_llama_cpp._ctypes_api", reason="the ik build of libllama is not installed")
    assert widths_of("Q4_K", (576, 1024)) == [1024] and widths_of("Q4_1", (576, 1024)) == [576, 1024]
    for specimen in (Specimen("Q4_1", 576), Specimen("F32", 64), Specimen("Q6_K", 256)):
        header = read_header(specimen.write(tmp_path / "model.gguf", binding._lib))
        assert header.architecture == "llama"
        assert (specimen.type, specimen.width) in header.tensor_kinds()


def job(builds: Path, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "samovar.engines.llama.compiling", str(builds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | more,
    )


can_build = pytest.mark.skipif(recipe.obstacle(ROOT) is not None, reason="this machine cannot compile libllama")


@can_build
def test_a_job_that_loses_its_asker_leaves_nothing(tmp_path: Path) -> None:
    """An index that never answers keeps it at its first step."""
    process = job(tmp_path / "builds", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="50", PIP_NO_INDEX="0")
    assert process.stdin and process.stdout
    assert b"tools" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(30) == 1
    process.stdout.close()
    assert [left.name for left in (tmp_path / "builds").iterdir()] == [".lock"]


@can_build
def test_a_source_that_cannot_be_fetched_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    process = job(tmp_path / "builds", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert process.stdin and process.stdout
    last = msgspec.json.decode(process.stdout.readlines()[-1], type=Report)
    assert isinstance(last, Refused) and last.error.key == "build.fetch_failed"
    assert process.wait(30) == 0
    process.communicate()
    assert [left.name for left in (tmp_path / "builds").iterdir()] == [".lock"]


@can_build
def test_two_jobs_do_not_build_into_one_folder(tmp_path: Path) -> None:
    first = job(tmp_path, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="50", PIP_NO_INDEX="0")
    assert first.stdout and first.stdin and b"tools" in first.stdout.readline()
    second = job(tmp_path)
    assert second.stdout
    last = msgspec.json.decode(second.stdout.read(), type=Report)
    assert isinstance(last, Refused) and last.error.key == "build.running"
    second.communicate()
    first.stdin.close()
    first.wait(30)
    first.stdout.close()
