"""Doors for tests: one that asks for nothing, and the keys of a home."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import ASGIApp

from samovar.api.guard.access import Access
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.security import Door, DoorRules
from samovar.services.keys import KeyService
from samovar.store.database import Database
from samovar.store.keys import KeyStore


def unlocked_door(inner: ASGIApp) -> ASGIApp:
    """For an app that is put together by hand."""
    return Door(inner, rules=DoorRules(), shapes=(), doorkeeper=Doorkeeper(), access=Access({}))


@contextmanager
def key_service(home: Path, own: str | None = None) -> Iterator[KeyService]:
    """The keys of a home, over its real store."""
    database = Database.open(home / "samovar.db")
    service = KeyService(KeyStore(database), home / "keys.stamp", own)
    yield service
    asyncio.run(database.close())
