"""/health: that the front serves, and what the model is doing. Always 200; needs no key."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.errors import outward
from samovar.api.routing import Routes
from samovar.core.catalogue import Language, language_of
from samovar.core.errors import revive
from samovar.services.contracts import Models, ModelState


class ModelHealth(msgspec.Struct, frozen=True):
    name: str | None
    state: str
    progress: float
    error: str | None


class Health(msgspec.Struct, frozen=True):
    status: str
    model: ModelHealth


def router(models: Models) -> Routes:
    routes = Routes()

    @routes.get("/health")
    @routes.get("/v1/health")
    async def health(request: Request) -> Response:
        told = of(models.state, language_of(request.headers.get("accept-language")))
        return Response(msgspec.json.encode(told), media_type="application/json")

    return routes


def of(state: ModelState, language: Language) -> Health:
    error = outward(revive(state.error)).text(language) if state.error else None
    return Health("ok", ModelHealth(state.name, state.state, state.progress, error))
