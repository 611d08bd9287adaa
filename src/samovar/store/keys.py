"""Keys, and the sessions that were signed in with them. Holds digests only: who has the file has no secret.

Knows nothing of who may do what.
"""

from __future__ import annotations

import sqlite3

import msgspec

from samovar.core.errors import NotFound
from samovar.core.keys import Key
from samovar.store.database import Database

REMEMBERED_SECONDS = 30 * 24 * 3600.0
"""How long a key that was taken back is still listed."""


class StoredKey(msgspec.Struct, frozen=True):
    """`digest`: SHA-256 of the secret."""

    key: Key
    digest: bytes


class StoredSession(msgspec.Struct, frozen=True):
    """`digest`: what the session is looked up by. `key`: the id of the key that it was signed in with; None: the
    one that the server was started with. `expires`: Unix seconds."""

    digest: bytes
    key: str | None
    expires: float


class Held(msgspec.Struct, frozen=True):
    """All there is, keys in the order in which they were made."""

    keys: tuple[StoredKey, ...]
    sessions: tuple[StoredSession, ...]


class KeyStore:
    """The two tables. Raises StorageFailed where the database cannot be read or written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, now: float) -> Held:
        """What holds at `now`: sessions that have not run out, keys that were not taken back long ago."""

        def work(db: sqlite3.Connection) -> Held:
            keys = db.execute(
                "SELECT * FROM keys WHERE revoked IS NULL OR revoked > ? ORDER BY created, id",
                (now - REMEMBERED_SECONDS,),
            )
            sessions = db.execute("SELECT * FROM sessions WHERE expires > ?", (now,))
            return Held(
                tuple(_key(row) for row in keys),
                tuple(StoredSession(**dict(row)) for row in sessions),
            )

        return await self._database.read(work)

    async def add(self, stored: StoredKey) -> None:
        key = stored.key
        values = (key.id, key.name, key.prefix, key.scope, key.created, stored.digest)
        await self._database.write(
            lambda db: db.execute(
                "INSERT INTO keys (id, name, prefix, scope, created, digest) VALUES (?, ?, ?, ?, ?, ?)", values
            )
        )

    async def revoke(self, key: str, now: float) -> None:
        """Takes a key back, and ends its sessions. Raises NotFound for one that is not there or not any more."""

        def work(db: sqlite3.Connection) -> None:
            found = db.execute("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (now, key))
            if not found.rowcount:
                raise NotFound("keys.no_key", name=key)
            db.execute("DELETE FROM sessions WHERE key = ?", (key,))

        await self._database.write(work)

    async def note_use(self, key: str, now: float) -> None:
        await self._database.write(lambda db: db.execute("UPDATE keys SET used = ? WHERE id = ?", (now, key)))

    async def open_session(self, session: StoredSession, now: float) -> None:
        """Keeps a session, and forgets those that have run out."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM sessions WHERE expires <= ?", (now,))
            db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (session.digest, session.key, session.expires))

        await self._database.write(work)

    async def end_session(self, digest: bytes) -> None:
        await self._database.write(lambda db: db.execute("DELETE FROM sessions WHERE digest = ?", (digest,)))


def _key(row: sqlite3.Row) -> StoredKey:
    values = dict(row)
    return StoredKey(digest=values.pop("digest"), key=Key(**values))
