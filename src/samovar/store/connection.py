"""SQLite connections: how they are set up, what a transaction is, and what failures are called."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samovar.core.errors import StorageFailed

BUSY_SECONDS = 5.0
"""How long a connection waits for a lock that another program holds (a backup, a person with the sqlite3 shell)."""

FAILURES = (("full", "store.disk_full"), ("not a database", "store.damaged"), ("malformed", "store.damaged"))
"""A piece of SQLite's message, and what that is called here: Python below 3.11 does not give error codes."""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
    connection.row_factory = sqlite3.Row
    try:
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commits at the end, or rolls back when the block or the commit raises."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # SQLite has already rolled back after some failures; a full disk is one of them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def named_failures(path: Path) -> Iterator[None]:
    """SQLite's failures by their names in the error tree. A broken constraint is no failure of storage but a
    mistake in this package, and stays what it is."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        reason = str(error)
        key = next((key for piece, key in FAILURES if piece in reason), "store.unusable")
        raise StorageFailed(key, path=str(path), reason=reason) from error
