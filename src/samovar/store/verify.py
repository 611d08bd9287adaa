"""Checks the laws of `conversations` over a whole database. For tests, and for `doctor` when a file is in doubt."""

from __future__ import annotations

import sqlite3

from samovar.store.database import Database
from samovar.store.values import Breach

INDEXES = ("title_index", "message_index")

# Each query gives the ids of rows that break the law it stands beside. A cycle would be a message that no root
# reaches; parents of other conversations are found as broken references.
LAWS: tuple[tuple[str, str], ...] = (
    (
        "every message is reached from a root",
        """WITH RECURSIVE reached (id) AS (
               SELECT id FROM messages WHERE parent IS NULL
               UNION ALL
               SELECT m.id FROM messages m JOIN reached ON m.parent = reached.id)
           SELECT id FROM messages WHERE id NOT IN (SELECT id FROM reached)""",
    ),
    (
        "current is a leaf",
        "SELECT c.id FROM conversations c WHERE EXISTS (SELECT 1 FROM messages m WHERE m.parent = c.current)",
    ),
    (
        "current is null only without messages",
        """SELECT c.id FROM conversations c WHERE (c.current IS NULL) =
               EXISTS (SELECT 1 FROM messages m WHERE m.conversation = c.id)""",
    ),
    (
        "only answers have states, stats and thoughts",
        "SELECT id FROM messages WHERE role <> 'assistant' "
        "AND (state <> 'done' OR stats IS NOT NULL OR thoughts <> '')",
    ),
    (
        "a streaming message is a leaf",
        """SELECT id FROM messages m WHERE state = 'streaming'
               AND EXISTS (SELECT 1 FROM messages child WHERE child.parent = m.id)""",
    ),
    (
        "one answer to a message at a time",
        "SELECT parent FROM messages WHERE state = 'streaming' GROUP BY parent HAVING count(*) > 1",
    ),
    (
        "revisions are numbered within the conversation's edits",
        """SELECT r.message FROM revisions r JOIN messages m ON m.id = r.message
               JOIN conversations c ON c.id = m.conversation WHERE r.edit NOT BETWEEN 1 AND c.edits""",
    ),
)


async def verify(database: Database) -> tuple[Breach, ...]:
    """What is wrong: nothing, for a sound file."""

    def work(db: sqlite3.Connection) -> tuple[Breach, ...]:
        return (
            *(
                Breach("the file is sound", row[0])
                for row in db.execute("PRAGMA integrity_check")
                if row[0] != "ok"
            ),
            *(Breach("references lead somewhere", f"{table} {row}") for table, row in _loose_ends(db)),
            *(Breach(law, str(row[0])) for law, query in LAWS for row in db.execute(query)),
            *(Breach("the search index is sound", index) for index in INDEXES if not _sound(db, index)),
        )

    return await database.write(work)


def _loose_ends(db: sqlite3.Connection) -> list[tuple[str, int]]:
    return [tuple(row)[:2] for row in db.execute("PRAGMA foreign_key_check")]


def _sound(db: sqlite3.Connection, index: str) -> bool:
    """Asks FTS5 to check an index against itself. This is spelt as a write."""
    try:
        db.execute(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")
    except sqlite3.DatabaseError:
        return False
    return True
