"""The app factory: which routes there are, in whose error shape each answers, and the door in front of them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from samovar.api import health, page_files
from samovar.api.answering.desk import Desk
from samovar.api.dialects.registry import DIALECTS, shapes
from samovar.api.guard.access import access
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.metrics import routes as metrics
from samovar.api.metrics.traffic import Counting, Traffic
from samovar.api.openapi import document
from samovar.api.page import keys
from samovar.api.page import routes as page
from samovar.api.routing import Route, Router, Routes
from samovar.api.security import Door, DoorRules
from samovar.services.chats import ChatService
from samovar.services.contracts import Answers, Building, Characters, Gauges, Library, Models, Responses, Slots
from samovar.services.keys import KeyService
from samovar.services.presets import PresetService

PAGE = Path(__file__).parent.parent / "web"


@dataclass(frozen=True)
class Services:
    """What the routes are made of. `page`: the folder that the page was built into. `keys` None: nobody is
    asked for one, and there are none to manage."""

    answers: Answers
    models: Models
    library: Library
    slots: Slots
    gauges: Gauges
    chats: ChatService
    presets: PresetService
    characters: Characters
    build: Building
    responses: Responses
    rules: DoorRules = field(default_factory=DoorRules)
    page: Path = PAGE
    keys: KeyService | None = None


class App:
    """Everything that is served on the one port: an ASGI app, and the routes behind its door."""

    def __init__(self, routes: Sequence[Route], door: Callable[[ASGIApp], ASGIApp]) -> None:
        self.routes = tuple(routes)
        self._served = door(Router(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served(scope, receive, send)


def create_app(services: Services) -> App:
    """Starts nothing: models are loaded by who owns the services."""
    files = page_files.routes(services.page)
    doorkeeper = Doorkeeper(services.keys)
    needs = access(DIALECTS, (route.path for route in files.routes if route.is_plain))
    traffic = Traffic()
    routes = _routes(services, doorkeeper, traffic)
    routes.include(files)
    known = needs.knowing(route.path for route in routes.routes if route.is_plain)

    def door(inner: ASGIApp) -> ASGIApp:
        guarded = Door(inner, rules=services.rules, shapes=shapes(), doorkeeper=doorkeeper, access=known)
        return Counting(guarded, traffic=traffic)

    return App(routes.routes, door)


def _routes(services: Services, doorkeeper: Doorkeeper, traffic: Traffic) -> Routes:
    routes = Routes()
    routes.include(health.router(services.models))
    routes.include(metrics.router(services.gauges, traffic))
    desk = Desk(
        services.answers,
        services.models,
        services.presets,
        services.characters,
        services.library,
        services.slots,
        services.responses,
    )
    for dialect in DIALECTS:
        routes.include(dialect.router(desk))
    routes.include(page.router(services.chats, services.models, services.library, services.presets, services.build))
    if services.keys is not None:
        routes.include(keys.router(services.keys, doorkeeper))

    @routes.get("/openapi.json")
    async def openapi() -> Response:
        told = await asyncio.to_thread(document, routes.routes, DIALECTS)
        return Response(msgspec.json.encode(told), media_type="application/json")

    return routes
