"""The app factory: which routes there are, in whose error shape each answers, and the door in front of them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from samovar import __version__
from samovar.api import health, page_files
from samovar.api.answering.desk import Desk
from samovar.api.dialects.registry import DIALECTS, shapes
from samovar.api.errors import NoSuchRoute, WrongMethod
from samovar.api.guard.access import access
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.metrics import routes as metrics
from samovar.api.metrics.traffic import Counting, Traffic
from samovar.api.openapi import document
from samovar.api.page import keys
from samovar.api.page import routes as page
from samovar.api.security import Door, DoorRules
from samovar.core.errors import InvalidInput
from samovar.services.chats import ChatService
from samovar.services.contracts import Answers, Building, Gauges, Library, Models, Responses, Slots
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
    build: Building
    responses: Responses
    rules: DoorRules = field(default_factory=DoorRules)
    page: Path = PAGE
    keys: KeyService | None = None


def create_app(services: Services) -> FastAPI:
    """Everything that is served on the one port. Starts nothing: models are loaded by who owns the services."""
    files = page_files.routes(services.page)
    doorkeeper = Doorkeeper(services.keys)
    needs = access(DIALECTS, (route.path for route in files if "{" not in route.path))
    traffic = Traffic()
    app = FastAPI(
        title="Samovar",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Counting, traffic=traffic),
            Middleware(Door, rules=services.rules, shapes=shapes(), doorkeeper=doorkeeper, access=needs),
        ],
        exception_handlers={HTTPException: _not_routed, RequestValidationError: _not_valid},
    )
    app.include_router(health.router(services.models))
    app.include_router(metrics.router(services.gauges, traffic))
    desk = Desk(
        services.answers,
        services.models,
        services.presets,
        services.library,
        services.slots,
        services.responses,
    )
    for dialect in DIALECTS:
        app.include_router(dialect.router(desk))
    app.include_router(
        page.router(services.chats, services.models, services.library, services.presets, services.build)
    )
    if services.keys is not None:
        app.include_router(keys.router(services.keys, doorkeeper))
    app.add_api_route("/openapi.json", lambda: document(app, DIALECTS), include_in_schema=False)
    app.router.routes.extend(files)
    return app


async def _not_routed(request: Request, error: Exception) -> Response:
    """What the router itself refuses, as errors of the tree: the door gives them the dialect's shape."""
    address = request.url.path[:200]
    if isinstance(error, HTTPException) and error.status_code == 405:
        raise WrongMethod("api.wrong_method", address=address, method=request.method)
    raise NoSuchRoute("api.no_route", address=address)


async def _not_valid(_: Request, error: Exception) -> Response:
    raise InvalidInput("api.body_not_object") from error
