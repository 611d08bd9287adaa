"""The composition root of the services: what one home folder needs to be served, opened and closed in order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from samovar.core.errors import InvalidInput, Missing
from samovar.core.settings import Settings
from samovar.hub.fence import HUB_HOSTS, Fence
from samovar.hub.pull import Pulled, Report, pull
from samovar.hub.sources import Endpoint
from samovar.hub.starter import put_starter
from samovar.services.answers import AnswerService
from samovar.services.building import BuildService
from samovar.services.characters import CharacterService
from samovar.services.chats.service import ChatService
from samovar.services.contexts import Contexts
from samovar.services.fleet import Rules
from samovar.services.gauges import GaugeService
from samovar.services.idle import IdleService
from samovar.services.keys import KeyService
from samovar.services.library import LibraryService
from samovar.services.loading import LoadPlanner
from samovar.services.models import ModelService
from samovar.services.presets import PresetService
from samovar.services.pulling import Downloads
from samovar.services.slots import SlotService
from samovar.services.usual import usual_sampling
from samovar.services.verdicts import VerdictKeeper
from samovar.store.database import Database
from samovar.store.keys import KeyStore
from samovar.store.lock import lock_home
from samovar.store.records import Records
from samovar.store.responses import ResponseStore


@dataclass(frozen=True)
class Engines:
    """What it takes to ask a model."""

    models: ModelService
    answers: AnswerService
    library: LibraryService


@dataclass(frozen=True)
class House(Engines):
    """The services of a home folder that one server owns."""

    slots: SlotService
    gauges: GaugeService
    chats: ChatService
    presets: PresetService
    characters: CharacterService
    build: BuildService
    responses: ResponseStore
    keys: KeyService


@asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[Engines]:
    """Models and answers without chats: several processes may have them of one home. Models have the context of the
    settings, whatever was chosen on the page. Ends the worker when left."""
    async with _database(settings) as database:
        engines = _engines(settings, database, Contexts(settings.context, None))
        try:
            yield engines
        finally:
            await engines.models.unload()


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Takes the home for the server at `settings.port`; saves what streams and ends the worker when it is left.

    Raises Conflict if another server has the home, StorageFailed if the store cannot be opened, InvalidInput if
    other machines would reach it and there is no key.
    """
    settings.home.make()
    with lock_home(settings.home, settings.port):
        async with _database(settings) as database:
            keys = await open_keys(settings, database)
            engines = _engines(settings, database, Contexts(settings.context, Records(database, "contexts")))
            idle = IdleService(engines.models, engines.answers, settings.home.kv)
            presets = PresetService(settings.home.presets)
            usual = partial(usual_sampling, engines.models, engines.library, presets)
            chats = await ChatService.open(database, engines.answers, idle, usual=usual)
            build = await asyncio.to_thread(BuildService, settings.home)
            try:
                responses = ResponseStore(database)
                await responses.forget(time.time())
                slots = SlotService(engines.models, engines.answers, settings.home.slots)
                gauges = GaugeService(engines.models)
                yield House(
                    engines.models,
                    engines.answers,
                    engines.library,
                    slots,
                    gauges,
                    chats,
                    presets,
                    CharacterService(settings.home.characters),
                    build,
                    responses,
                    keys,
                )
            finally:
                await keys.close()
                await chats.close()
                await build.stop()
                await engines.models.unload()


async def open_keys(settings: Settings, database: Database) -> KeyService:
    """Raises InvalidInput where other machines would reach the server and there is no key."""
    keys = KeyService(KeyStore(database), settings.home.keys, settings.api_key, exposed=settings.exposed)
    ring = await keys.ring()
    if settings.exposed and not (settings.api_key or ring.active):
        raise InvalidInput("keys.exposed", host=settings.host or "0.0.0.0")
    return keys


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    settings.home.make()
    await asyncio.to_thread(_stock, settings)
    database = await asyncio.to_thread(Database.open, settings.home.database)
    try:
        yield database
    finally:
        await database.close()


def _stock(settings: Settings) -> None:
    """An empty library gets the starter model, where its package is installed and no other model was asked for."""
    if not settings.model and not settings.home.has_models():
        with suppress(Missing):
            put_starter(settings.home)


def _engines(settings: Settings, database: Database, contexts: Contexts) -> Engines:
    verdicts = VerdictKeeper(Records(database, "verdicts"))
    planner = LoadPlanner(settings)
    rules = Rules(most=settings.models_max)
    models = ModelService(planner, verdicts, contexts, settings.home.logs, rules, settings.keep_alive)
    downloads = Downloads(partial(_fetch, settings), lambda path: planner.library.locate(str(path)).name)
    return Engines(models, AnswerService(models), LibraryService(planner, models, downloads))


def _fetch(settings: Settings, source: str, report: Report) -> Pulled:
    """On behalf of clients: what whoever runs the server allows, and nothing of this machine."""
    endpoint = Endpoint.of(os.environ)
    fence = Fence((*HUB_HOSTS, *settings.pull_hosts), trusted=endpoint.url)
    return pull(source, settings.home, report, endpoint, fence=fence)
