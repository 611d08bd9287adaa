"""The routes: reads a request, asks at the desk, writes the answer."""

from __future__ import annotations

import secrets

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.anthropic import models, translate
from samovar.api.dialects.anthropic.errors import REQUEST_ID, new_request_id
from samovar.api.dialects.anthropic.stream import PING, Head, MessageStream, whole
from samovar.api.dialects.anthropic.translate import AnthropicAsked
from samovar.api.dialects.anthropic.wire import TokenCount
from samovar.api.reading.body import decode
from samovar.api.routing import Routes
from samovar.api.sse import Writing
from samovar.services.contracts import Generation

WRITING = Writing(ping=PING)


def router(desk: Desk) -> Routes:
    routes = Routes("/v1")

    @routes.post("/messages")
    async def messages(request: Request) -> Response:
        return await _answer(desk, request, translate.messages(decode(await request.body())))

    @routes.post("/messages/count_tokens")
    async def count_tokens(request: Request) -> Response:
        asked = translate.count(decode(await request.body()))
        counted = TokenCount(await desk.count(request, asked))
        return _identified(Response(msgspec.json.encode(counted), media_type="application/json"), new_request_id())

    routes.include(models.router(desk))
    return routes


async def _answer(desk: Desk, request: Request, asked: AnthropicAsked) -> Response:
    request_id = new_request_id()
    if not asked.stream:
        collected, warnings = await desk.whole(request, asked)
        body = whole(collected, _head(asked, request_id, collected.model), warnings)
        return _identified(Response(body, media_type="application/json"), request_id)

    def open_wire(generation: Generation, warnings: list[str]) -> MessageStream:
        head = _head(asked, request_id, generation.model)
        return MessageStream(head, generation.accepted.prompt_tokens, warnings)

    return _identified(await desk.stream(request, asked, open_wire, WRITING), request_id)


def _head(asked: AnthropicAsked, request_id: str, model: str) -> Head:
    limit = asked.completions[0].max_tokens
    return Head("msg_" + secrets.token_hex(12), request_id, model, limit, asked.shows_thinking)


def _identified(response: Response, request_id: str) -> Response:
    response.headers[REQUEST_ID] = request_id
    return response
