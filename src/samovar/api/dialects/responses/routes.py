"""The routes: reads a request, asks at the desk, writes the response and keeps it."""

from __future__ import annotations

import secrets
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.dialects.responses import kept, translate
from samovar.api.dialects.responses.output import Head, finished, response_of
from samovar.api.dialects.responses.stream import ResponseStream
from samovar.api.dialects.responses.translate import ResponsesAsked
from samovar.api.dialects.responses.wire import TokenCount
from samovar.api.reading.body import Json, decode
from samovar.api.routing import Routes
from samovar.services.contracts import Generation


def router(desk: Desk) -> Routes:
    routes = Routes("/v1")

    @routes.post("/responses")
    async def create_response(request: Request) -> Response:
        asked = translate.create(*await _read(desk, request))
        return await (_stream if asked.stream else _whole)(desk, request, asked)

    @routes.post("/responses/input_tokens")
    async def count_input_tokens(request: Request) -> Response:
        asked = translate.count(*await _read(desk, request))
        return _json(msgspec.json.encode(TokenCount(await desk.count(request, asked))))

    routes.include(kept.router(desk))
    return routes


async def _read(desk: Desk, request: Request) -> tuple[Json, list[Json]]:
    """(the body, the items of what it goes on from). Raises InvalidInput, NoSuchResponse."""
    tenant = caller_of(request).tenant
    body = await kept.resolved(desk.responses, tenant, decode(await request.body()))
    previous = body.get("previous_response_id")
    if not isinstance(previous, str) or not previous:
        return body, []
    return body, kept.items(await desk.responses.thread(tenant, previous))


async def _whole(desk: Desk, request: Request, asked: ResponsesAsked) -> Response:
    collected, warnings = await desk.whole(request, asked)
    head, choice = _head(asked, secrets.token_hex(12), collected.model), collected.choices[0]
    progress = finished(head, choice.blocks, choice.reason, collected.done, warnings)
    response = response_of(progress, msgspec.json.encode(head.repeated))
    await _keep(desk, request, asked, head, response)
    return _json(response)


async def _stream(desk: Desk, request: Request, asked: ResponsesAsked) -> Response:
    stem = secrets.token_hex(12)
    written: list[ResponseStream] = []

    def open_wire(generation: Generation, warnings: list[str]) -> ResponseStream:
        written.append(ResponseStream(_head(asked, stem, generation.model), warnings))
        return written[0]

    async def settle() -> None:
        await _keep(desk, request, asked, written[0].head, written[0].response)

    named = msgspec.structs.replace(asked, key=f"resp_{stem}")
    return await desk.stream(request, named, open_wire, settle=settle)


async def _keep(desk: Desk, request: Request, asked: ResponsesAsked, head: Head, response: bytes) -> None:
    if asked.keeps:
        await desk.responses.keep(caller_of(request).tenant, kept.record(asked, head, response))


def _head(asked: ResponsesAsked, stem: str, model: str) -> Head:
    return Head(stem, int(time.time()), model, asked.repeated, asked.logprobs)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
