"""A database in a file of its own, and what the tests of the store do with one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samovar.store.conversations import Conversations
from samovar.store.database import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samovar.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = Database.open(path)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> Conversations:
    return Conversations(database)
