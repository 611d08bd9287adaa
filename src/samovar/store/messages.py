"""Messages as rows: finding, inserting and walking the tree, inside somebody else's transaction."""

from __future__ import annotations

import sqlite3
from typing import cast

import msgspec

from samovar.core.errors import ErrorValue, NotFound
from samovar.core.requests import Message
from samovar.store.ids import new_id
from samovar.store.values import State, Stats, StoredMessage

COLUMNS = (
    "id, conversation, parent, role, content, state, created, model, error, stats, asked, given, thoughts, mused"
)

PATH = """
    WITH RECURSIVE path (id, depth) AS (
        SELECT :message, 0
        UNION ALL
        SELECT m.parent, depth + 1 FROM messages m JOIN path USING (id) WHERE m.parent IS NOT NULL)"""

ANCESTORS = f"{PATH} SELECT m.* FROM path JOIN messages m USING (id) ORDER BY depth DESC"

# Every text as it stood after :edits edits of the conversation.
TEXTS = f"""{PATH}
    SELECT m.role, m.thoughts, coalesce(
        (SELECT r.content FROM revisions r WHERE r.message = m.id AND r.edit > :edits ORDER BY r.edit LIMIT 1),
        m.content) AS content
    FROM path JOIN messages m USING (id) ORDER BY depth DESC"""

NEWEST_LEAF = """
    WITH RECURSIVE under (id) AS (
        SELECT :message
        UNION ALL
        SELECT m.id FROM messages m JOIN under ON m.parent = under.id)
    SELECT m.id FROM under JOIN messages m USING (id)
    WHERE NOT EXISTS (SELECT 1 FROM messages child WHERE child.parent = m.id)
    ORDER BY m.row DESC LIMIT 1"""


def find(db: sqlite3.Connection, message: str) -> StoredMessage:
    """Raises NotFound, also for a message of a deleted conversation."""
    row = db.execute(
        "SELECT m.* FROM messages m JOIN conversations c ON c.id = m.conversation "
        "WHERE m.id = ? AND c.deleted IS NULL",
        (message,),
    ).fetchone()
    if row is None:
        raise NotFound("store.no_message", id=message)
    return from_row(row)


def of_conversation(db: sqlite3.Connection, conversation: str) -> tuple[StoredMessage, ...]:
    rows = db.execute("SELECT * FROM messages WHERE conversation = ? ORDER BY row", (conversation,))
    return tuple(from_row(row) for row in rows)


def insert(db: sqlite3.Connection, message: StoredMessage) -> StoredMessage:
    marks = ", ".join("?" * len(message.__struct_fields__))
    values = (
        message.id,
        message.conversation,
        message.parent,
        message.role,
        message.content,
        message.state,
        message.created,
        message.model,
        _json(message.error),
        _json(message.stats),
        message.asked,
        message.given,
        message.thoughts,
        message.mused,
    )
    db.execute(f"INSERT INTO messages ({COLUMNS}) VALUES ({marks})", values)
    return message


def update_ending(db: sqlite3.Connection, message: StoredMessage) -> None:
    """Writes what the end of an answer changes."""
    db.execute(
        "UPDATE messages SET content = ?, thoughts = ?, state = ?, model = ?, error = ?, stats = ? WHERE id = ?",
        (
            message.content,
            message.thoughts,
            message.state,
            message.model,
            _json(message.error),
            _json(message.stats),
            message.id,
        ),
    )


def path(db: sqlite3.Connection, message: str) -> tuple[StoredMessage, ...]:
    """From the root down to `message`."""
    return tuple(map(from_row, db.execute(ANCESTORS, {"message": message})))


def copy_path(db: sqlite3.Connection, message: str, conversation: str, now: float) -> str:
    """Copies the path from the root down to `message` into another conversation, former texts included; returns
    the last copy's id."""
    parent = None
    for original in path(db, message):
        copy = msgspec.structs.replace(original, id=new_id(now), conversation=conversation, parent=parent)
        parent = insert(db, copy).id
        db.execute(
            "INSERT INTO revisions SELECT ?, edit, content FROM revisions WHERE message = ?", (parent, original.id)
        )
    assert parent is not None
    return parent


def texts(db: sqlite3.Connection, message: str, edits: int) -> tuple[Message, ...]:
    """The path down to `message` as a chat, as it read after `edits` edits of its conversation."""
    rows = db.execute(TEXTS, {"message": message, "edits": edits})
    return tuple(said(row["role"], row["content"], row["thoughts"]) for row in rows)


def said(role: str, content: str, thoughts: str) -> Message:
    """As the model is shown it: what becomes of thoughts is its template's business."""
    return Message(role=role, content=content, reasoning=thoughts or None)


def newest_leaf(db: sqlite3.Connection, message: str) -> str:
    """The leaf under `message` (or itself) that was added last."""
    row = db.execute(NEWEST_LEAF, {"message": message}).fetchone()
    return cast(str, row["id"])


def from_row(row: sqlite3.Row) -> StoredMessage:
    return StoredMessage(
        id=row["id"],
        conversation=row["conversation"],
        parent=row["parent"],
        role=row["role"],
        content=row["content"],
        state=cast(State, row["state"]),
        created=row["created"],
        model=row["model"],
        error=None if row["error"] is None else msgspec.json.decode(row["error"], type=ErrorValue),
        stats=None if row["stats"] is None else msgspec.json.decode(row["stats"], type=Stats),
        asked=row["asked"],
        given=row["given"],
        thoughts=row["thoughts"],
        mused=row["mused"],
    )


def _json(value: ErrorValue | Stats | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
