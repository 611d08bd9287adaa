"""The composition root of the services: what one home folder needs to be served, opened and closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from samovar.core.settings import Settings
from samovar.services.answers import AnswerService
from samovar.services.chats import ChatService
from samovar.services.loading import LoadPlanner
from samovar.services.models import ModelService
from samovar.services.verdicts import Verdicts
from samovar.store.database import Database
from samovar.store.lock import lock_home


@dataclass(frozen=True)
class House:
    """The services of one open home folder."""

    models: ModelService
    answers: AnswerService
    chats: ChatService


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Locks the home, opens the store, and ends the worker and saves what streams when it is left.

    Raises Conflict if another server has the home, StorageFailed if the store cannot be opened.
    """
    settings.home.make()
    with lock_home(settings.home, settings.port):
        database = await asyncio.to_thread(Database.open, settings.home.database)
        planner = LoadPlanner(settings)
        models = ModelService(planner, Verdicts(database), settings.home.logs, settings.model)
        answers = AnswerService(models)
        chats = await ChatService.open(database, answers)
        try:
            yield House(models, answers, chats)
        finally:
            await chats.close()
            await models.unload()
            await database.close()
