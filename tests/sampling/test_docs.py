"""docs/samplers.md says what the steps declare."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from samovar.sampling import parameters

ROOT = Path(__file__).parents[2]


def test_the_page_about_samplers_is_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "samplers_page.py", "--check"], check=False)
    assert done.returncode == 0, "run: .venv/bin/python scripts/samplers_page.py"


def test_every_name_that_a_client_may_send_is_on_it() -> None:
    page = (ROOT / "docs" / "samplers.md").read_text(encoding="utf-8")
    assert [name for name in parameters() if f"`{name}`" not in page] == []
