"""Routes about presets and the sampling parameters that they set."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.page import wire
from samovar.api.page.exchange import fields, language, reply, required
from samovar.api.routing import Routes
from samovar.services.presets import PresetService


def router(presets: PresetService) -> Routes:
    routes = Routes()

    @routes.get("/sampling")
    async def sampling(request: Request) -> Response:
        # The declarations come with numpy: the first who asks waits for it, the others do not.
        return reply(await asyncio.to_thread(wire.sampling_declared, language(request)))

    @routes.get("/presets")
    async def listed(request: Request) -> Response:
        return reply([wire.preset_listed(one, language(request)) for one in await presets.list()])

    @routes.post("/presets/import")
    async def take(request: Request) -> Response:
        filename = request.query_params.get("filename", "")
        taken = await presets.take(filename, await request.body())
        return reply({"preset": wire.preset(taken.preset, language(request)), "ignored": taken.ignored})

    @routes.get("/presets/{name}")
    async def read(name: str, request: Request) -> Response:
        return reply(wire.preset(await presets.get(name), language(request)))

    @routes.put("/presets/{name}")
    async def save(name: str, request: Request) -> Response:
        body = await fields(request)
        about, values, order = body.text("about") or "", body.nested("values").rest, body.strings("order")
        return reply(wire.preset(await presets.save(name, values, order, about), language(request)))

    @routes.patch("/presets/{name}")
    async def rename(name: str, request: Request) -> Response:
        to = required(await fields(request), "name")
        return reply(wire.preset(await presets.rename(name, to), language(request)))

    @routes.delete("/presets/{name}")
    async def delete(name: str) -> Response:
        await presets.delete(name)
        return reply({})

    return routes
