"""Routes about the library that is compiled for this processor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.page import wire
from samovar.api.page.exchange import language, reply
from samovar.api.routing import Routes
from samovar.services.contracts import Building


def router(build: Building) -> Routes:
    routes = Routes("/build")

    @routes.get("")
    async def state(request: Request) -> Response:
        return reply(wire.build_state(await build.refresh(), language(request)))

    @routes.post("")
    async def start(request: Request) -> Response:
        return reply(wire.build_state(await build.start(), language(request)), 202)

    @routes.delete("")
    async def stop(request: Request) -> Response:
        return reply(wire.build_state(await build.stop(), language(request)))

    return routes
