"""One server for each home folder, and a sentence for the second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samovar.core.errors import Conflict, StorageFailed
from samovar.core.home import Home
from samovar.store.lock import lock_home

HOLDER = """
import os, sys
from pathlib import Path
from samovar.core.home import Home
from samovar.store.lock import lock_home
with lock_home(Home(Path(sys.argv[1])), 7860):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_second_process_is_told_who_holds_the_home_and_may_have_it_after_a_kill(home: Home) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    pid = holder.stdout.readline().strip()
    with pytest.raises(Conflict) as caught, lock_home(home, 7861):
        pass
    for sentence in (caught.value.text("en"), caught.value.text("ru")):
        assert pid in sentence and "http://127.0.0.1:7860" in sentence and str(home.root) in sentence
    holder.kill()
    holder.communicate()
    with lock_home(home, 7861):
        pass


def test_the_holder_tells_its_port_once_it_has_one(home: Home) -> None:
    with lock_home(home, 0) as lock:
        with pytest.raises(Conflict, match="starting"), lock_home(home, 1):
            pass
        lock.announce(40123)
        with pytest.raises(Conflict, match=r"http://127\.0\.0\.1:40123"), lock_home(home, 1):
            pass


def test_the_lock_is_free_again_however_its_block_ended(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), lock_home(home, 1):
        raise ZeroDivisionError
    with lock_home(home, 1):
        pass


def test_a_home_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="nowhere"), lock_home(Home(tmp_path / "nowhere"), 1):
        pass
