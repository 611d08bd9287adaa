"""Running the tools: what they say goes to the log, and what went wrong into an error."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from samovar.core.errors import SamovarError

_KEPT = 3


@dataclass(frozen=True)
class Commands:
    """Commands of this Python with `environment`, in `folder`."""

    environment: Mapping[str, str]
    folder: Path

    def python(
        self,
        *arguments: str | Path,
        error: Callable[[str], SamovarError],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Runs `python -m ARGUMENTS`; `told` gets each line that it says. Raises `error` of the last lines where it
        fails."""
        last: deque[str] = deque(maxlen=_KEPT)
        with subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", file=sys.stderr, flush=True)
                told(line)
                if line.strip():
                    last.append(line.strip())
        if process.returncode:
            raise error(" / ".join(last)[-400:] or str(process.returncode))
