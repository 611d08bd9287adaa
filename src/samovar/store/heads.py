"""Conversations as rows, without their messages, inside somebody else's transaction."""

from __future__ import annotations

import sqlite3
from typing import cast

import msgspec

from samovar.core.errors import NotFound
from samovar.store.ids import new_id
from samovar.store.values import Conversation, Sampling


def find(db: sqlite3.Connection, conversation: str) -> Conversation:
    """Raises NotFound, also for one that is deleted."""
    row = db.execute("SELECT * FROM conversations WHERE id = ? AND deleted IS NULL", (conversation,)).fetchone()
    if row is None:
        raise NotFound("store.no_conversation", id=conversation)
    return Conversation(
        id=row["id"],
        title=row["title"],
        created=row["created"],
        updated=row["updated"],
        current=row["current"],
        sampling=_sampling(row["sampling"]),
    )


def insert(db: sqlite3.Connection, title: str, now: float) -> str:
    """An empty conversation; returns its id."""
    conversation = new_id(now)
    db.execute(
        "INSERT INTO conversations (id, title, created, updated) VALUES (?, ?, ?, ?)",
        (conversation, title, now, now),
    )
    return conversation


def insert_like(db: sqlite3.Connection, conversation: str, now: float) -> str:
    """An empty conversation with another one's title, number of edits and sampling; returns its id."""
    copy = new_id(now)
    db.execute(
        "INSERT INTO conversations (id, title, created, updated, edits, sampling) "
        "SELECT ?, title, ?, ?, edits, sampling FROM conversations WHERE id = ?",
        (copy, now, now, conversation),
    )
    return copy


def edits(db: sqlite3.Connection, conversation: str) -> int:
    """How often a text of the conversation was edited in place."""
    return cast(
        int, db.execute("SELECT edits FROM conversations WHERE id = ?", (conversation,)).fetchone()["edits"]
    )


def show(db: sqlite3.Connection, conversation: str, leaf: str) -> None:
    db.execute("UPDATE conversations SET current = ? WHERE id = ?", (leaf, conversation))


def sampling(db: sqlite3.Connection, conversation: str) -> Sampling | None:
    row = db.execute("SELECT sampling FROM conversations WHERE id = ?", (conversation,)).fetchone()
    return _sampling(row["sampling"])


def set_sampling(db: sqlite3.Connection, conversation: str, sampling: Sampling | None) -> None:
    text = None if sampling is None else msgspec.json.encode(sampling).decode()
    db.execute("UPDATE conversations SET sampling = ? WHERE id = ?", (text, conversation))


def touch(db: sqlite3.Connection, conversation: str, now: float) -> None:
    db.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation))


def _sampling(text: str | None) -> Sampling | None:
    return None if text is None else msgspec.json.decode(text, type=Sampling)
