"""Routes about models by name: which are loaded, other names for them, and what each has of its own."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.page import wire
from samovar.api.page.exchange import body_of, fields, language, reply, required
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import InvalidInput
from samovar.prompts import named
from samovar.services.contracts import Library, Models, Own
from samovar.services.own import checked
from samovar.services.presets import PresetService

LONGEST_STAY = 1e9
"""Seconds: more than anybody waits."""


def router(models: Models, library: Library, presets: PresetService) -> Routes:
    routes = Routes("/models")

    @routes.get("/loaded")
    async def loaded(request: Request) -> Response:
        return reply(wire.loaded(models, language(request)))

    @routes.put("/loaded/{name:path}")
    async def load(request: Request, name: str) -> Response:
        """Answers when it is loaded; the page goes on to show what it shows."""
        stay = (await fields(request)).number("keep_alive", -1.0, LONGEST_STAY)
        await names.check(models, name)
        await while_connected(request.receive, models.load_beside(name, stay))
        return reply(wire.loaded(models, language(request)))

    @routes.delete("/loaded/{name:path}")
    async def unload(request: Request, name: str) -> Response:
        await models.unload(name)
        return reply(wire.loaded(models, language(request)))

    @routes.delete("/loaded")
    async def unload_all(request: Request) -> Response:
        await models.unload()
        return reply(wire.loaded(models, language(request)))

    @routes.get("/aliases")
    async def aliases() -> Response:
        return reply(await library.aliases())

    @routes.put("/aliases/{alias:path}")
    async def alias(request: Request, alias: str) -> Response:
        await library.alias(required(await fields(request), "name"), alias)
        return reply(await library.aliases())

    @routes.delete("/aliases/{alias:path}")
    async def unalias(alias: str) -> Response:
        await library.unalias(alias)
        return reply(await library.aliases())

    @routes.get("/{name:path}/settings")
    async def own(name: str) -> Response:
        return reply(msgspec.structs.asdict(await library.own(name)))

    @routes.put("/{name:path}/settings")
    async def set_own(request: Request, name: str) -> Response:
        given = await checked(_own(await body_of(request)), presets)
        await library.set_own(name, given)
        return reply(msgspec.structs.asdict(given))

    @routes.get("/{name:path}/template")
    async def template(name: str) -> Response:
        """The one in the model's file; null where it has none."""
        return reply({"template": (await library.details(name)).template})

    @routes.get("/templates")
    async def templates() -> Response:
        return reply([{"name": name, "template": named.source(name)} for name in named.names()])

    return routes


def _own(body: object) -> Own:
    """Raises InvalidInput for a field that there is not, or a value that it does not take."""
    try:
        return msgspec.convert(body, Own)
    except msgspec.ValidationError as error:
        known = ", ".join(Own.__struct_fields__)
        raise InvalidInput("fleet.own_invalid", reason=str(error), known=known) from error
