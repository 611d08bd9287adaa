"""A job in place of the one that compiles for minutes: it says what a test wants and obeys as the real one does."""

from __future__ import annotations

import sys
from pathlib import Path

from samovar.core.home import Home
from samovar.services.building import BuildService

BUILDING = "say(type='working', step='compile', share=0.25)"
UNTIL_STOPPED = f"{BUILDING}; sys.stdin.read()"
REFUSES = (
    "say(type='refused', error=dict(kind='EngineFailed', key='build.compile_failed', facts=dict(reason='no')))"
)
DIES = f"{BUILDING}; sys.exit(3)"
FINISHES = (
    f"{BUILDING}; from samovar.engines.llama.builds import version_of;"
    "from samovar.engines.llama.cpu import read_cpu; from samovar.engines.llama import native;"
    "folder = native.place(pathlib.Path(sys.argv[1]), version_of('ik'), read_cpu()); folder.mkdir(parents=True);"
    "(folder / native.MANIFEST).write_text(json.dumps(dict(source=version_of('ik'), processor=read_cpu().key,"
    " compiler='c++', built=1.0, files={}, gain=1.5))); say(type='built', folder=str(folder))"
)


def job(script: str) -> tuple[str, ...]:
    """The command of a job that runs `script`."""
    saying = "import json, pathlib, sys; say = lambda **report: print(json.dumps(report), flush=True);"
    return (sys.executable, "-c", f"{saying} {script}")


def scripted(home: Path, script: str) -> BuildService:
    """The service of a machine that can build, whose job runs `script`."""
    return BuildService(Home(home), job(script), lambda _: None)
