"""Answers that were given over the Responses API, so that the next request can go on from one by its id.

What a request and its answer say is the caller's, as JSON; this keeps them, whose they are, and which one each goes
on from. A response and all that it goes on from is a thread: it is used, and forgotten, as a whole.

Bounded: a thread is forgotten `KEPT_SECONDS` after its newest response, and once a tenant has more than `MOST`
responses its threads that were used longest ago go. That is looked after at the start and at every `SWEEP`-th one.
"""

from __future__ import annotations

import sqlite3

import msgspec

from samovar.core.errors import NotFound
from samovar.store.database import Database

KEPT_SECONDS = 30 * 24 * 3600.0
MOST = 10_000
SWEEP = 64


class NoSuchResponse(NotFound):
    """Nothing is kept under this id, or not for who asks."""


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`previous`: the response that it goes on from; `created`: Unix seconds; `input`: a JSON array of what was
    asked, without what came before; `value`: the response as it was given, a JSON object."""

    id: str
    previous: str | None
    created: float
    input: msgspec.Raw
    value: msgspec.Raw


class ResponseStore:
    """Raises StorageFailed where the database cannot be read or written."""

    def __init__(self, database: Database, most: int = MOST) -> None:
        self._database = database
        self._most = most

    async def keep(self, tenant: str, response: KeptResponse) -> None:
        """Keeps a new response."""

        def work(db: sqlite3.Connection) -> None:
            before = None if response.previous is None else _find(db, tenant, response.previous)
            row = db.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    response.id,
                    tenant,
                    response.id if before is None else before["thread"],
                    response.previous,
                    response.created,
                    bytes(response.input).decode(),
                    bytes(response.value).decode(),
                ),
            ).lastrowid
            if row is not None and row % SWEEP == 0:
                _forget(db, response.created, self._most)

        await self._database.write(work)

    async def forget(self, now: float) -> None:
        """Forgets what is too old or too much at the Unix time `now`."""
        await self._database.write(lambda db: _forget(db, now, self._most))

    async def get(self, tenant: str, id: str) -> KeptResponse:
        """Raises NoSuchResponse."""
        return (await self._database.read(lambda db: _thread(db, tenant, id)))[-1]

    async def thread(self, tenant: str, id: str) -> tuple[KeptResponse, ...]:
        """The response and all that it goes on from, the oldest first. Raises NoSuchResponse, also where one of
        them is gone: what the model would be sent would not be what was said."""
        found = await self._database.read(lambda db: _thread(db, tenant, id))
        if found[0].previous is not None:
            raise NoSuchResponse("store.response_broken", id=id[:60], missing=found[0].previous[:60])
        return found

    async def remove(self, tenant: str, id: str) -> None:
        """Deletes one response. Raises NoSuchResponse."""

        def work(db: sqlite3.Connection) -> int:
            return db.execute("DELETE FROM responses WHERE id = ? AND tenant = ?", (id, tenant)).rowcount

        if not await self._database.write(work):
            raise _missing(id)


def _find(db: sqlite3.Connection, tenant: str, id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM responses WHERE id = ? AND tenant = ?", (id, tenant)
    ).fetchone()
    return row


def _thread(db: sqlite3.Connection, tenant: str, id: str) -> tuple[KeptResponse, ...]:
    """What `id` goes on from, as far back as it is kept, and itself. Never empty."""
    found: list[KeptResponse] = []
    row = _find(db, tenant, id)
    while row is not None:
        found.append(_response(row))
        row = None if row["previous"] is None else _find(db, tenant, row["previous"])
    if not found:
        raise _missing(id)
    return tuple(reversed(found))


def _forget(db: sqlite3.Connection, now: float, most: int) -> None:
    """Deletes whole threads: the old ones, and those before which the tenant's newer ones are `most` responses."""
    db.execute(
        """DELETE FROM responses WHERE thread IN (
               SELECT thread FROM (
                   SELECT thread, max(created) AS used, sum(count(*)) OVER newest - count(*) AS newer
                   FROM responses GROUP BY tenant, thread
                   WINDOW newest AS (PARTITION BY tenant ORDER BY max(created) DESC, thread)
               ) WHERE used < ? OR newer >= ?)""",
        (now - KEPT_SECONDS, most),
    )


def _response(row: sqlite3.Row) -> KeptResponse:
    return KeptResponse(
        id=row["id"],
        previous=row["previous"],
        created=row["created"],
        input=msgspec.Raw(row["input"].encode()),
        value=msgspec.Raw(row["value"].encode()),
    )


def _missing(id: str) -> NoSuchResponse:
    return NoSuchResponse("store.no_response", id=id[:60])
