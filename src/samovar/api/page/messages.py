"""Routes about single messages and the answers to them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.page import wire
from samovar.api.page.exchange import fields, language, reply, required
from samovar.api.routing import Routes
from samovar.services.chats import ChatService


def router(chats: ChatService) -> Routes:
    routes = Routes("/messages/{message}")

    @routes.patch("")
    async def edit(message: str, request: Request) -> Response:
        content = required(await fields(request), "content")
        return reply(wire.message(await chats.edit(message, content), language(request)))

    @routes.post("/regenerate")
    async def regenerate(message: str, request: Request) -> Response:
        return reply({"answer": wire.message(await chats.regenerate(message), language(request))})

    @routes.post("/continue")
    async def resume(message: str, request: Request) -> Response:
        return reply({"answer": wire.message(await chats.resume(message), language(request))})

    @routes.post("/fork")
    async def fork(message: str, request: Request) -> Response:
        content = required(await fields(request), "content")
        return reply(wire.asked(await chats.fork(message, content), language(request)))

    @routes.post("/branch")
    async def branch(message: str, request: Request) -> Response:
        return reply(wire.conversation(await chats.branch(message), language(request)))

    @routes.get("/prompt")
    async def prompt(message: str) -> Response:
        return reply(wire.prompt(await chats.prompt(message)))

    return routes
