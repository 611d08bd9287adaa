"""Routes about the server as a whole: its state, its events, which model it serves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from samovar import __version__
from samovar.api.page import wire
from samovar.api.page.contexts import asked_about, chosen_in
from samovar.api.page.exchange import fields, language, reply, required
from samovar.api.page.merged import merged
from samovar.api.routing import Routes
from samovar.api.sse import EventStream, frame
from samovar.core.catalogue import Language
from samovar.core.errors import NotFound, SamovarError
from samovar.services.chats import ChatService
from samovar.services.contracts import Building, ContextChoice, Models


def router(chats: ChatService, models: Models, build: Building) -> Routes:
    routes = Routes()
    loads: set[asyncio.Task[None]] = set()

    @routes.get("/state")
    async def state(request: Request) -> Response:
        # Reading the headers of the library's files may touch the disk.
        library = await asyncio.to_thread(models.installed)
        return reply(
            {
                "version": __version__,
                "model": wire.model_state(models.state, language(request)),
                "models": [wire.installed(model) for model in library],
            }
        )

    @routes.get("/events")
    async def events(request: Request) -> Response:
        told = language(request)
        frames = merged(_model_frames(models, told), _list_frames(chats), _build_frames(build, told))
        return EventStream(frames, frames.aclose)

    @routes.get("/models/{name:path}/context")
    async def context(request: Request, name: str) -> Response:
        found = await models.outlook(name, *asked_about(request.query_params))
        usual = await models.whole(name, models.context)
        kept = {"chosen": wire.context(await models.chosen(name)), "default": wire.context(usual)}
        return reply({**wire.outlook(found, language(request)), **kept})

    @routes.post("/models/load")
    async def load(request: Request) -> Response:
        """The page's model from now on."""
        body = await fields(request)
        name, choice = required(body, "name"), chosen_in(body)
        library = await asyncio.to_thread(models.installed)
        if name not in {model.name for model in library}:
            raise NotFound("page.no_model", name=name)
        if choice and choice.context:
            context = await models.whole(name, choice.context)
            await models.check(name, context)
            choice = ContextChoice(context)
        task = asyncio.create_task(_load(models, name, choice))
        loads.add(task)
        task.add_done_callback(loads.discard)
        await asyncio.sleep(0)  # so that the answer tells of the load that has begun
        return reply(wire.model_state(models.state, language(request)), 202)

    @routes.post("/models/unload")
    async def unload(request: Request) -> Response:
        """The page's model."""
        if models.state.name is not None:
            await models.unload(models.state.name)
        return reply(wire.model_state(models.state, language(request)), 202)

    return routes


async def _load(models: Models, name: str, choice: ContextChoice | None) -> None:
    """How it went is in the state, which every page watches."""
    with contextlib.suppress(SamovarError):
        await models.load(name, choice)


async def _model_frames(models: Models, language: Language) -> AsyncIterator[bytes]:
    async for state in models.watch():
        yield frame("model", wire.model_state(state, language))


async def _build_frames(build: Building, language: Language) -> AsyncIterator[bytes]:
    async for state in build.watch():
        yield frame("build", wire.build_state(state, language))


async def _list_frames(chats: ChatService) -> AsyncIterator[bytes]:
    async for _ in chats.watch_list():
        yield frame("conversations", {})
