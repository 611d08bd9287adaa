"""Routes about conversations."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.page import wire
from samovar.api.page.exchange import body_of, fields, language, reply, required
from samovar.api.reading.body import Fields
from samovar.api.routing import Routes
from samovar.api.sse import EventStream
from samovar.core.catalogue import Language
from samovar.core.errors import InvalidInput
from samovar.services.chats import ChatEvent, ChatService
from samovar.services.presets import PresetService
from samovar.store.values import Sampling


def router(chats: ChatService, presets: PresetService) -> Routes:
    routes = Routes("/conversations")

    @routes.get("")
    async def listed(request: Request) -> Response:
        return reply(await chats.list(request.query_params.get("query", "")))

    @routes.post("")
    async def create(request: Request) -> Response:
        body = await fields(request)
        tree = await chats.create(body.text("title") or "", body.text("system") or "")
        return reply(wire.conversation(tree, language(request)))

    @routes.post("/draft")
    async def draft_first(request: Request) -> Response:
        body = await fields(request)
        chats.draft_first(body.text("system") or "", required(body, "content"))
        return reply({})

    @routes.get("/{conversation}")
    async def read(conversation: str, request: Request) -> Response:
        tree, window = await chats.get(conversation), await chats.window(conversation)
        return reply(wire.conversation(tree, language(request), window))

    @routes.patch("/{conversation}")
    async def change(conversation: str, request: Request) -> Response:
        given = await body_of(request)
        body = Fields(given)
        title, current = body.text("title"), body.text("current")
        if title is None and current is None and "sampling" not in given:
            raise InvalidInput("page.nothing_to_change")
        sampling = await _sampling(presets, body)
        if current is not None:
            head = await chats.show(conversation, current)
        if title is not None:
            head = await chats.rename(conversation, title)
        if "sampling" in given:
            head = await chats.set_sampling(conversation, sampling)
        return reply(wire.head(head))

    @routes.delete("/{conversation}")
    async def delete(conversation: str) -> Response:
        await chats.delete(conversation)
        return reply({})

    @routes.post("/{conversation}/restore")
    async def restore(conversation: str) -> Response:
        return reply(wire.head(await chats.restore(conversation)))

    @routes.post("/{conversation}/stop")
    async def stop(conversation: str) -> Response:
        await chats.stop(conversation)
        return reply({})

    @routes.post("/{conversation}/messages")
    async def send(conversation: str, request: Request) -> Response:
        body = await fields(request)
        asked = await chats.send(conversation, body.text("parent"), required(body, "content"))
        return reply(wire.asked(asked, language(request)))

    @routes.post("/{conversation}/draft")
    async def draft(conversation: str, request: Request) -> Response:
        body = await fields(request)
        await chats.draft(conversation, body.text("parent"), required(body, "content"))
        return reply({})

    @routes.get("/{conversation}/events")
    async def events(conversation: str, request: Request) -> Response:
        happening = chats.watch(conversation)
        # The first event is awaited here, so that a conversation that is not there is a 404 and no empty stream.
        first = await anext(happening, None)
        return EventStream(_frames(first, happening, language(request)), happening.aclose)

    return routes


async def _sampling(presets: PresetService, body: Fields) -> Sampling | None:
    """What the field `sampling` asks for, checked; None for null: the product's defaults."""
    if "sampling" not in body.rest:
        return None
    wish = body.nested("sampling")
    order = wish.strings("order") if "order" in wish.rest else None
    return await presets.choose(wish.text("preset"), wish.nested("values").rest, order)


async def _frames(
    first: ChatEvent | None, rest: AsyncGenerator[ChatEvent, None], language: Language
) -> AsyncGenerator[bytes, None]:
    """`first` is None where watching had ended already: the server is closing."""
    if first is not None:
        yield wire.event(first, language)
    async for event in rest:
        yield wire.event(event, language)
