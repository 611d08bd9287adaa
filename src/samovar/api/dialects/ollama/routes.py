"""The routes under /api that Ollama's clients ask for."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.ollama import answering, embedding, library
from samovar.api.dialects.ollama.answering import Answering, json_response
from samovar.api.dialects.ollama.catalogue import Catalogue
from samovar.api.dialects.ollama.embedding import Embedding
from samovar.api.dialects.ollama.library import Shelf
from samovar.api.dialects.ollama.translate import read_model
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes

VERSION = "0.22.0"
"""Of the Ollama whose API this is: clients ask for a least version before they use what it has."""


def router(desk: Desk) -> Routes:
    routes = Routes("/api")
    catalogue = Catalogue(desk.models, desk.library)
    routes.include(answering.router(Answering(desk, catalogue)))
    routes.include(embedding.router(Embedding(desk, catalogue)))
    routes.include(library.router(Shelf(desk, catalogue)))
    routes.include(_looking(catalogue))
    return routes


def _looking(catalogue: Catalogue) -> Routes:
    routes = Routes()

    @routes.get("/tags")
    @routes.head("/tags")
    async def tags() -> Response:
        return json_response(msgspec.json.encode({"models": await catalogue.listed()}))

    @routes.get("/ps")
    async def ps() -> Response:
        return json_response(msgspec.json.encode({"models": await catalogue.running()}))

    @routes.post("/show")
    async def show(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        model = read_model(fields)
        if model is None:
            raise fields.missing("model")
        return json_response(msgspec.json.encode(await catalogue.shown(model)))

    @routes.get("/version")
    @routes.head("/version")
    async def version() -> Response:
        return json_response(msgspec.json.encode({"version": VERSION}))

    return routes
