"""The list of conversations, and search through titles and messages with SQLite's FTS5."""

from __future__ import annotations

import sqlite3

from samovar.store.values import Listed

SNIPPET_WORDS = 16
MOST_FOUND = 200

# For each conversation the newest message that matches; a title that matches needs no message.
FOUND = """
    SELECT c.id, c.title, c.updated, max(found.row) AS row
    FROM (
        SELECT m.conversation AS id, m.row AS row
        FROM message_index JOIN messages m ON m.row = message_index.rowid WHERE message_index MATCH :query
        UNION ALL
        SELECT t.id, NULL FROM title_index JOIN conversations t ON t.row = title_index.rowid
        WHERE title_index MATCH :query
    ) AS found JOIN conversations c USING (id)
    WHERE c.deleted IS NULL
    GROUP BY c.id ORDER BY c.updated DESC, c.row DESC LIMIT :most"""

SNIPPET = """
    SELECT snippet(message_index, 0, '', '', '…', :words) AS text
    FROM message_index WHERE message_index MATCH :query AND rowid = :row"""


def conversations(db: sqlite3.Connection, query: str) -> tuple[Listed, ...]:
    """Newest first: all for a blank query, else the first 200 that match it."""
    if not query.strip():
        rows = db.execute(
            "SELECT id, title, updated FROM conversations WHERE deleted IS NULL ORDER BY updated DESC, row DESC"
        )
        return tuple(Listed(*row) for row in rows)
    expression = match(query)
    found = db.execute(FOUND, {"query": expression, "most": MOST_FOUND}).fetchall()
    return tuple(
        Listed(row["id"], row["title"], row["updated"], _snippet(db, expression, row["row"])) for row in found
    )


def match(query: str) -> str:
    """The FTS5 expression for what a person typed: every word must be there, the beginning is enough. Words are
    quoted, so that nothing in them is read as an operator; a NUL would end the expression."""
    words = query.replace("\0", " ").replace("ё", "е").replace("Ё", "Е").split()
    return " ".join('"{}"*'.format(word.replace('"', '""')) for word in words) or '""'


def _snippet(db: sqlite3.Connection, expression: str, row: int | None) -> str:
    if row is None:
        return ""
    found = db.execute(SNIPPET, {"words": SNIPPET_WORDS, "query": expression, "row": row}).fetchone()
    return str(found["text"])
