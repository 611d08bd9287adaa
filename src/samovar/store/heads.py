"""Conversations as rows, without their messages, inside somebody else's transaction."""

from __future__ import annotations

import sqlite3
from typing import cast

from samovar.core.errors import NotFound
from samovar.store.ids import new_id
from samovar.store.values import Conversation


def find(db: sqlite3.Connection, conversation: str) -> Conversation:
    """Raises NotFound, also for one that is deleted."""
    row = db.execute("SELECT * FROM conversations WHERE id = ? AND deleted IS NULL", (conversation,)).fetchone()
    if row is None:
        raise NotFound("store.no_conversation", id=conversation)
    return Conversation(
        id=row["id"], title=row["title"], created=row["created"], updated=row["updated"], current=row["current"]
    )


def insert(db: sqlite3.Connection, title: str, now: float, edits: int = 0) -> str:
    """An empty conversation; returns its id."""
    conversation = new_id(now)
    db.execute(
        "INSERT INTO conversations (id, title, created, updated, edits) VALUES (?, ?, ?, ?, ?)",
        (conversation, title, now, now, edits),
    )
    return conversation


def edits(db: sqlite3.Connection, conversation: str) -> int:
    """How often a text of the conversation was edited in place."""
    return cast(
        int, db.execute("SELECT edits FROM conversations WHERE id = ?", (conversation,)).fetchone()["edits"]
    )


def show(db: sqlite3.Connection, conversation: str, leaf: str) -> None:
    db.execute("UPDATE conversations SET current = ? WHERE id = ?", (leaf, conversation))


def touch(db: sqlite3.Connection, conversation: str, now: float) -> None:
    db.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation))
