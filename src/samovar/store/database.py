"""The database file and the threads that use it. Knows no table.

One thread writes and one reads, each with a connection of its own: SQLite never waits for a second writer, and the
event loop never waits for SQLite. Write-ahead logging with synchronous=NORMAL: what was committed survives the
death of the process; a power cut may take the last commits but leaves the file whole.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from samovar.core.errors import SamovarError, StorageFailed
from samovar.store.connection import connect, named_failures, transaction
from samovar.store.migrations import MIGRATIONS, Migration, migrate

T = TypeVar("T")


class Database:
    """An open database. `write` and `read` run a function inside a transaction on their thread.

    A function that raises leaves nothing behind. SQLite's own failures (disk full, file damaged or not writable)
    come out as StorageFailed, and the next call starts afresh.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-read")

    @classmethod
    def open(cls, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Database:
        """Opens or makes the file, readable by its owner only, and brings it up to date. Blocks: call it once, at
        the start. Raises StorageFailed, also for a file that a newer Samovar has written."""
        _make_private(path)
        with named_failures(path):
            writer = connect(path)
            try:
                migrate(writer, path, migrations)
                reader = connect(path)
            except (sqlite3.Error, SamovarError):
                writer.close()
                raise
            reader.execute("PRAGMA query_only = ON")
        return cls(path, writer, reader)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, committed. Writes happen one after another, in the order of the calls."""
        return await asyncio.get_running_loop().run_in_executor(
            self._writing, self._transact, self._writer, "BEGIN IMMEDIATE", work
        )

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, which sees one state of the file: all writes that have returned, none by halves."""
        return await asyncio.get_running_loop().run_in_executor(
            self._reading, self._transact, self._reader, "BEGIN", work
        )

    async def close(self) -> None:
        """Waits for what is under way, and folds the write-ahead log into the file. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        for thread in (self._reading, self._writing):
            thread.shutdown()
        self._reader.close()
        self._writer.close()

    def _transact(self, connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with named_failures(self.path), transaction(connection, begin):
            return work(connection)


def _make_private(path: Path) -> None:
    """Makes the file where there is none. SQLite gives its side files the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StorageFailed("store.unusable", path=str(path), reason=error.strerror or str(error)) from error
