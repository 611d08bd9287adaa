"""The job itself: see the package's first lines."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from samovar.core.errors import Conflict, Missing, SamovarError, StorageFailed
from samovar.core.filelock import try_lock
from samovar.engines.llama.compiling.judging import judge
from samovar.engines.llama.compiling.making import Making
from samovar.engines.llama.compiling.recipe import compiler, obstacle, source_version
from samovar.engines.llama.compiling.reports import Built, Refused, Report
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.native import HEADER, LIBRARIES, MANIFEST, Manifest, place, sha256

WORKPLACE, LOCK = ".making", ".lock"
LOWEST_PRIORITY = 19


def build(builds: Path, workplace: Path) -> Path:
    """The folder of the library, compiled, judged and put in place. Raises the error tree."""
    hindrance = obstacle(builds)
    if hindrance is not None:
        raise Missing(hindrance.key, **hindrance.facts)
    source = source_version()
    assert source is not None
    made = Making(workplace, source, say).make()
    # The trial opens the library as the engine does, manifest and all.
    _describe(made, source, gain=0.0)
    trial = workplace / "trial"
    trial.mkdir()
    _describe(made, source, gain=judge(made, trial, say))
    final = place(builds, source, read_cpu())
    if final.exists():
        final.replace(workplace / "replaced")
    return made.replace(final)


def _describe(folder: Path, source: str, gain: float) -> None:
    manifest = Manifest(
        source=source,
        processor=read_cpu().key,
        compiler=compiler() or "",
        built=time.time(),
        files={name: sha256(folder / name) for name in (*LIBRARIES, HEADER)},
        gain=gain,
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def say(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


def end_with_input(builds: Path, ending: threading.Lock) -> None:
    """Waits until the one who started this goes away or says stop; then leaves no process and no file."""
    while os.read(
        sys.stdin.fileno(), 4096
    ):  # not through Python's buffer, whose lock would outlive the interpreter
        pass
    ending.acquire()
    # Under another name first: what still runs here finds no folder to go on in.
    with suppress(FileNotFoundError):
        (builds / WORKPLACE).rename(builds / f"{WORKPLACE}-stopped")
    for child in psutil.Process().children(recursive=True):
        child.kill()
    sweep(builds)
    os._exit(1)


def sweep(builds: Path) -> None:
    """Removes what an attempt left, however it ended."""
    for left in builds.glob(f"{WORKPLACE}*"):
        shutil.rmtree(left, ignore_errors=True)


def attempt(builds: Path, ending: threading.Lock) -> Report:
    """Builds in the workplace of `builds`, which only one job at a time may have."""
    try:
        builds.mkdir(parents=True, exist_ok=True)
        lock = os.open(builds / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        if not try_lock(lock):
            raise Conflict("build.running", folder=str(builds))
        sweep(builds)
        workplace = builds / WORKPLACE
        workplace.mkdir()
        threading.Thread(target=end_with_input, args=(builds, ending), daemon=True).start()
        try:
            return Built(str(build(builds, workplace)))
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    except SamovarError as error:
        return Refused(error.value())
    except OSError as error:
        reason = error.strerror or str(error)
        return Refused(StorageFailed("build.not_written", folder=str(builds), reason=reason).value())


def main(builds: Path) -> None:
    os.nice(LOWEST_PRIORITY)
    ending = threading.Lock()
    report = attempt(builds, ending)
    # Whoever has it ends the process: where that is the thread that tidies up, this waits for it.
    with ending:
        say(report)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
