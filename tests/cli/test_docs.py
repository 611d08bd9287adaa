"""docs/cli.md says what the commands' help says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_about_the_command_line_is_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs.py", "--check"], check=False)
    assert done.returncode == 0, "run: .venv/bin/python scripts/docs.py"
