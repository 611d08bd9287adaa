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
from samovar.api.openapi import document
from samovar.api.page import routes as page
from samovar.api.security import Door, DoorRules
from samovar.core.errors import InvalidInput
from samovar.services.chats import ChatService
from samovar.services.contracts import Answers, Building, Library, Models, Responses
from samovar.services.presets import PresetService

PAGE = Path(__file__).parent.parent / "web"


@dataclass(frozen=True)
class Services:
    """What the routes are made of. `page`: the folder that the page was built into."""

    answers: Answers
    models: Models
    library: Library
    chats: ChatService
    presets: PresetService
    build: Building
    responses: Responses
    rules: DoorRules = field(default_factory=DoorRules)
    page: Path = PAGE


def create_app(services: Services) -> FastAPI:
    """Everything that is served on the one port. Starts nothing: models are loaded by who owns the services."""
    app = FastAPI(
        title="Samovar",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Door, rules=services.rules, shapes=shapes())],
        exception_handlers={HTTPException: _not_routed, RequestValidationError: _not_valid},
    )
    app.include_router(health.router(services.models))
    desk = Desk(services.answers, services.models, services.presets, services.library, services.responses)
    for dialect in DIALECTS:
        app.include_router(dialect.router(desk))
    app.include_router(page.router(services.chats, services.models, services.presets, services.build))
    app.add_api_route("/openapi.json", lambda: document(app, DIALECTS), include_in_schema=False)
    app.router.routes.extend(page_files.routes(services.page))
    return app


async def _not_routed(request: Request, error: Exception) -> Response:
    """What the router itself refuses, as errors of the tree: the door gives them the dialect's shape."""
    path = request.url.path[:200]
    if isinstance(error, HTTPException) and error.status_code == 405:
        raise WrongMethod("api.wrong_method", path=path, method=request.method)
    raise NoSuchRoute("api.no_route", path=path)


async def _not_valid(_: Request, error: Exception) -> Response:
    raise InvalidInput("api.body_not_object") from error
