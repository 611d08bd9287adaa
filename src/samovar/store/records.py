"""Values by text, as JSON: what was learnt about models, and what was chosen for them.

Keys and values are the caller's. Knows nothing of models.
"""

from __future__ import annotations

import sqlite3
from typing import Literal, TypeVar

import msgspec

from samovar.store.database import Database

T = TypeVar("T")


class Records:
    """One table of them. Raises StorageFailed where the database cannot be read or written."""

    def __init__(self, database: Database, table: Literal["verdicts", "contexts"]) -> None:
        self._database = database
        self._table = table

    async def get(self, key: str, kind: type[T]) -> T | None:
        """The value of `key`; None where there is none, or one of another shape, which another version wrote: what
        cannot be read is as if it was never there."""

        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute(f"SELECT value FROM {self._table} WHERE key = ?", (key,)).fetchone()
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
            lambda db: db.execute(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?)", (key, text))
        )

    async def remove(self, key: str) -> None:
        """Forgets what `key` had."""
        await self._database.write(lambda db: db.execute(f"DELETE FROM {self._table} WHERE key = ?", (key,)))
