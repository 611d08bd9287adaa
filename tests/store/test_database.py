"""The database file: private, migrated step by step, and sound again after every failure."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from samovar.core.errors import StorageFailed
from samovar.store.conversations import Conversations
from samovar.store.database import Database
from samovar.store.migrations import MIGRATIONS
from samovar.store.verify import verify

from .talk import answered, ended

WRITER = Path(__file__).parent / "writer.py"


async def test_only_its_owner_may_read_the_file_and_what_lies_beside_it(store: Conversations, path: Path) -> None:
    await store.create("private")
    files = sorted(path.parent.glob("samovar.db*"))
    assert [file.name for file in files] == ["samovar.db", "samovar.db-shm", "samovar.db-wal"]
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_write_that_raises_leaves_nothing_behind(database: Database, store: Conversations) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO conversations (id, title, created, updated) VALUES ('half', '', 0, 0)")
        raise ValueError

    with pytest.raises(ValueError):
        await database.write(half)
    assert await store.list() == ()


async def test_the_reading_side_cannot_write(database: Database) -> None:
    with pytest.raises(StorageFailed):
        await database.read(lambda db: db.execute("DELETE FROM conversations"))


@pytest.mark.parametrize("known", range(len(MIGRATIONS) + 1))
async def test_a_file_of_any_earlier_state_is_brought_up_to_date(path: Path, known: int) -> None:
    early = Database.open(path, MIGRATIONS[:known])
    if known:
        await early.write(_insert_by_hand)
    await early.close()
    database = Database.open(path)
    store = Conversations(database)
    found = await store.list("самовар")
    assert [line.title for line in found] == (["Чай"] if known else [])
    assert await verify(database) == ()
    await database.close()


def _insert_by_hand(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO conversations (id, title, created, updated) VALUES ('c', 'Чай', 1, 1)")
    db.execute(
        "INSERT INTO messages (id, conversation, role, content, state, created) "
        "VALUES ('m', 'c', 'user', 'Где самовар?', 'done', 1)"
    )
    db.execute("UPDATE conversations SET current = 'm'")


async def test_opening_twice_changes_nothing(path: Path, store: Conversations) -> None:
    await store.create("kept")
    second = Database.open(path)
    assert [line.title for line in await Conversations(second).list()] == ["kept"]
    await second.close()


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    def from_the_future(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE dreams (id TEXT)")

    await Database.open(path, (*MIGRATIONS, from_the_future)).close()
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match=r"newer Samovar .*from_the_future"):
        Database.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, only text " * 40, b"SQLite format 3\0" + b"\xff" * 8000]
)
def test_a_file_that_is_no_database_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageFailed) as caught:
        Database.open(path)
    assert str(path) in caught.value.text("en") and str(path) in caught.value.text("ru")
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="missing"):
        Database.open(tmp_path / "missing" / "samovar.db")


async def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_room(
    store: Conversations, database: Database
) -> None:
    conversation = (await store.create("tea")).conversation.id
    asked = await answered(store, conversation, "Hello", "Hi!")
    (pages,) = await database.read(lambda db: tuple(db.execute("PRAGMA page_count").fetchone()))
    await database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    with pytest.raises(StorageFailed, match="disk is full"):
        await store.ask(conversation, asked.answer.id, "long " * 100_000, "")
    with pytest.raises(StorageFailed, match="disk is full"):
        await store.edit(asked.message.id, "long " * 100_000)
    assert [m.content for m in (await store.get(conversation)).messages] == ["Hello", "Hi!"]

    await database.write(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())
    again = await store.ask(conversation, asked.answer.id, "long " * 100_000, "")
    await ended(store, again.answer, "Long indeed.")
    assert len((await store.get(conversation)).messages) == 4
    assert await verify(database) == ()


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
async def test_what_was_committed_survives_kill_9_in_the_middle_of_writing(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    told += writer.stdout.readlines()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    promised = max(int(line) for line in told if line.endswith("\n"))

    database = Database.open(path)
    store = Conversations(database)
    assert await verify(database) == ()
    assert await store.interrupt_all() == 1
    (line,) = await store.list()
    question, answer = (await store.get(line.id)).messages
    assert (question.content, answer.state) == ("Count!", "interrupted")
    assert answer.thoughts == answer.content
    words = answer.content.split()
    assert words == [str(n) for n in range(len(words))]
    assert len(words) > promised
    await database.close()
