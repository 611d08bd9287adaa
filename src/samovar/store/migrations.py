"""The schema, as an ordered list of named steps. A step that has been released is never changed: add another.

Each step runs in a transaction of its own and its name is recorded in the table `migrations`; a file with a name
that is not known here was written by a newer Samovar and is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from samovar.core.errors import StorageFailed
from samovar.store.connection import transaction

Migration = Callable[[sqlite3.Connection], None]


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Runs the steps that the file has not seen. Raises StorageFailed for a file that has seen unknown ones."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
    seen = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    unknown = seen - {step.__name__ for step in migrations}
    if unknown:
        raise StorageFailed("store.newer", path=str(path), step=min(unknown))
    for step in migrations:
        if step.__name__ not in seen:
            with transaction(connection):
                step(connection)
                connection.execute("INSERT INTO migrations VALUES (?)", (step.__name__,))


def conversations_and_messages(connection: sqlite3.Connection) -> None:
    # `row` is named, not implicit: VACUUM may renumber implicit row ids, and the search index refers to them.
    connection.execute("""
        CREATE TABLE conversations (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            deleted REAL,
            edits INTEGER NOT NULL DEFAULT 0,
            current TEXT,
            FOREIGN KEY (id, current) REFERENCES messages (conversation, id) DEFERRABLE INITIALLY DEFERRED
        )""")
    connection.execute("""
        CREATE TABLE messages (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            parent TEXT,
            role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
            content TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('done', 'streaming', 'stopped', 'interrupted', 'failed')),
            created REAL NOT NULL,
            model TEXT,
            error TEXT,
            stats TEXT,
            asked INTEGER,
            given INTEGER NOT NULL DEFAULT 0,
            UNIQUE (conversation, id),
            CHECK (state = 'done' OR role = 'assistant'),
            FOREIGN KEY (conversation, parent) REFERENCES messages (conversation, id)
        )""")
    connection.execute("CREATE INDEX message_children ON messages (parent)")
    connection.execute("CREATE UNIQUE INDEX one_answer_at_a_time ON messages (parent) WHERE state = 'streaming'")
    connection.execute("""
        CREATE TABLE revisions (
            message TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
            edit INTEGER NOT NULL,
            content TEXT NOT NULL,
            PRIMARY KEY (message, edit)
        ) WITHOUT ROWID""")


def search_index(connection: sqlite3.Connection) -> None:
    """Full-text indexes that hold no text of their own. A message that is being written is not in its index: it
    changes twice a second."""
    _index(connection, "title_index", "conversations", "title")
    _index(connection, "message_index", "messages", "content", unless="{row}.state = 'streaming'", watch=("state",))


def _index(
    connection: sqlite3.Connection,
    index: str,
    table: str,
    column: str,
    *,
    unless: str = "0",
    watch: tuple[str, ...] = (),
) -> None:
    """A full-text index over `table.column`, and the triggers that keep it: `watch` are the columns that `unless`
    looks at. The old text leaves before the new one comes: the order of triggers of one kind is undefined."""
    connection.execute(f"""
        CREATE VIRTUAL TABLE {index} USING fts5 (
            {column}, content = '{table}', content_rowid = 'row', tokenize = 'unicode61 remove_diacritics 2')""")
    columns = ", ".join((column, *watch))
    add = f"INSERT INTO {index} (rowid, {column}) VALUES (new.row, {_folded(f'new.{column}')})"
    drop = f"INSERT INTO {index} ({index}, rowid, {column}) VALUES ('delete', old.row, {_folded(f'old.{column}')})"
    for name, event, row, action in (
        ("add", f"AFTER INSERT ON {table}", "new", add),
        ("drop", f"BEFORE DELETE ON {table}", "old", drop),
        ("drop_old", f"BEFORE UPDATE OF {columns} ON {table}", "old", drop),
        ("add_new", f"AFTER UPDATE OF {columns} ON {table}", "new", add),
    ):
        connection.execute(
            f"CREATE TRIGGER {index}_{name} {event} WHEN NOT ({unless.format(row=row)}) BEGIN {action}; END"
        )
    connection.execute(
        f"INSERT INTO {index} (rowid, {column}) SELECT row, {_folded(column)} FROM {table} AS t "
        f"WHERE NOT ({unless.format(row='t')})"
    )


def verdicts(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE verdicts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")


def sampling(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE conversations ADD COLUMN sampling TEXT")


def contexts(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE contexts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")


def keys(connection: sqlite3.Connection) -> None:
    connection.execute("""
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            prefix TEXT NOT NULL,
            scope TEXT NOT NULL CHECK (scope IN ('infer', 'manage', 'admin')),
            created REAL NOT NULL,
            used REAL,
            revoked REAL,
            digest BLOB NOT NULL UNIQUE
        ) WITHOUT ROWID""")
    connection.execute("""
        CREATE TABLE sessions (
            digest BLOB PRIMARY KEY,
            key TEXT REFERENCES keys (id) ON DELETE CASCADE,
            expires REAL NOT NULL
        ) WITHOUT ROWID""")


def responses(connection: sqlite3.Connection) -> None:
    # No reference from `previous` to `id`: one response can be deleted without those that go on from it.
    connection.execute("""
        CREATE TABLE responses (
            id TEXT PRIMARY KEY,
            tenant TEXT NOT NULL,
            thread TEXT NOT NULL,
            previous TEXT,
            created REAL NOT NULL,
            input TEXT NOT NULL,
            value TEXT NOT NULL
        )""")
    connection.execute("CREATE INDEX response_threads ON responses (tenant, thread, created)")


def thoughts(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE messages ADD COLUMN thoughts TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE messages ADD COLUMN mused INTEGER NOT NULL DEFAULT 0")


def _folded(column: str) -> str:
    """Ё as Е: most people who write Russian type the second for the first."""
    return f"replace(replace({column}, 'ё', 'е'), 'Ё', 'Е')"


MIGRATIONS: tuple[Migration, ...] = (
    conversations_and_messages,
    search_index,
    verdicts,
    sampling,
    contexts,
    keys,
    responses,
    thoughts,
)
