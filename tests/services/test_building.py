"""The library for this processor is built beside what is served, is watched and stopped, and says why it failed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec
import pytest

from samovar.core.engine import Note
from samovar.core.errors import Conflict, Missing
from samovar.core.home import Home
from samovar.engines.llama.builds import find_native
from samovar.engines.llama.native import MANIFEST
from samovar.services.building import BuildService
from samovar.services.contracts import BuildState
from tests.support.building import DIES, FINISHES, REFUSES, UNTIL_STOPPED, job, scripted

needs_ik = pytest.mark.skipif(
    not importlib.util.find_spec("ik_llama_cpp"), reason="the ik build of libllama is not installed"
)


async def ended(build: BuildService) -> BuildState:
    """The state once the job is over."""
    async for state in build.watch():
        if state.state != "building":
            return state
    raise AssertionError("watching ended")


@needs_ik
async def test_what_was_built_is_ready_and_says_what_it_brings(tmp_path: Path) -> None:
    build = scripted(tmp_path, FINISHES)
    assert build.state == BuildState("available")
    assert (await build.start()).state == "building"
    assert await ended(build) == BuildState("ready", gain=1.5)
    assert BuildService(Home(tmp_path)).state == BuildState("ready", gain=1.5)


@needs_ik
async def test_a_library_that_was_damaged_since_is_told_and_can_be_built_again(tmp_path: Path) -> None:
    build = scripted(tmp_path, FINISHES)
    await build.start()
    await ended(build)
    native = find_native(tmp_path / "builds")
    assert native is not None
    (Path(native.folder) / "libllama").write_bytes(b"other")
    manifest = msgspec.structs.replace(native.manifest, files={"libllama": "0" * 64})
    (Path(native.folder) / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    damaged = await build.refresh()
    assert damaged.state == "failed" and damaged.error and "is damaged: libllama" in damaged.error.text()


async def test_a_job_is_watched_and_only_one_runs(tmp_path: Path) -> None:
    build = scripted(tmp_path, UNTIL_STOPPED)
    await build.start()
    async for state in build.watch():
        if state.progress:
            break
    assert (state.step, state.progress) == ("compile", 0.25)
    with pytest.raises(Conflict, match="already"):
        await build.start()
    assert await build.refresh() == state
    await build.stop()


async def test_a_job_that_is_stopped_can_be_begun_again(tmp_path: Path) -> None:
    build = scripted(tmp_path, UNTIL_STOPPED)
    for _ in range(2):
        await build.start()
        assert await build.stop() == BuildState("available")


async def test_what_the_job_refuses_with_is_kept_until_the_next_attempt(tmp_path: Path) -> None:
    build = scripted(tmp_path, REFUSES)
    await build.start()
    failed = await ended(build)
    assert failed.state == "failed" and failed.error and "did not compile: no" in failed.error.text()
    assert await build.refresh() == failed
    assert (await build.start()).state == "building"
    await build.stop()


async def test_a_job_that_dies_names_its_log(tmp_path: Path) -> None:
    build = scripted(tmp_path, DIES)
    await build.start()
    failed = await ended(build)
    assert failed.error and "code 3" in failed.error.text() and str(tmp_path / "logs") in failed.error.text()


async def test_a_machine_that_cannot_build_says_why(tmp_path: Path) -> None:
    build = BuildService(Home(tmp_path), job(DIES), lambda _: Note("build.no_compiler"))
    assert build.state == BuildState("impossible", obstacle=Note("build.no_compiler"))
    with pytest.raises(Missing, match="build-essential"):
        await build.start()
