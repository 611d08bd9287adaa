"""What was learnt about a model on a library build and a processor: which way of computing it can be trusted.

Keys and values are the caller's; this is a table of JSON by text. Knows nothing of models.
"""

from __future__ import annotations

import sqlite3
from typing import TypeVar

import msgspec

from samovar.store.database import Database

T = TypeVar("T")


class Verdicts:
    """The verdicts in a database. Raises StorageFailed where it cannot be read or written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str, kind: type[T]) -> T | None:
        """The value of `key`; None where there is none, or one of another shape, which another version wrote: what
        cannot be read is learnt again."""

        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute("SELECT value FROM verdicts WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row["value"])

        value = await self._database.read(work)
        try:
            return None if value is None else msgspec.json.decode(value, type=kind)
        except msgspec.DecodeError:
            return None

    async def put(self, key: str, value: object) -> None:
        """Keeps `value`, anything that msgspec can write as JSON, in place of what `key` had."""
        text = msgspec.json.encode(value).decode()
        await self._database.write(
            lambda db: db.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", (key, text))
        )
