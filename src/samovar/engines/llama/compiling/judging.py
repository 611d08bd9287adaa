"""Whether a compiled library may be used: held against the prebuilt one, each in processes of their own."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from samovar.core.errors import EngineFailed
from samovar.engines.llama.compiling.reports import Working, working
from samovar.engines.llama.compiling.trial import SPECIMENS, Divergence
from samovar.engines.llama.selfcheck import TOLERANCE

ROUNDS = 3
TRIAL = "samovar.engines.llama.compiling.trial"


def judge(native: Path, place: Path, say: Callable[[Working], None]) -> float:
    """How many times faster than the prebuilt library the one in `native` reads a prompt. Works in the empty folder
    `place`.

    Raises EngineFailed where it ends its process, or differs from the prebuilt one by more than rounding does.
    """
    say(working("check"))
    _lines("expect", place)
    say(working("check", 0.2))
    check(msgspec.json.decode(line, type=Divergence) for line in _lines("compare", place, native))
    say(working("check", 0.8))
    pairs = [(_seconds(place), _seconds(place, native)) for _ in range(ROUNDS)]
    return round(statistics.median(before / after for before, after in pairs), 2)


def check(found: Iterable[Divergence]) -> None:
    """Raises EngineFailed for the worst divergence above the tolerance, or where a specimen was not computed."""
    rows = list(found)
    if missing := {specimen.name for specimen in SPECIMENS} - {row.specimen for row in rows}:
        raise EngineFailed("build.trial_short", missing=", ".join(sorted(missing)))
    wrong = [row for row in rows if not row.nats <= TOLERANCE]
    if wrong:
        worst = max(wrong, key=lambda row: row.nats)
        raise EngineFailed(
            "build.wrong",
            specimen=worst.specimen,
            batch=worst.batch,
            divergence=round(worst.nats, 3),
            allowed=TOLERANCE,
        )


def _seconds(place: Path, native: Path | None = None) -> float:
    (line,) = _lines("speed", place, *([native] if native else ()))
    return float(line)


def _lines(task: str, *arguments: Path) -> list[str]:
    """What a trial says, line by line. Raises EngineFailed where it does not come to its end."""
    child = subprocess.run(
        [sys.executable, "-m", TRIAL, task, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=False
    )
    if child.returncode:
        raise EngineFailed("build.trial_died", task=task, code=child.returncode)
    return child.stdout.splitlines()
