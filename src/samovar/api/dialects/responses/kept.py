"""Responses after they were given: looked at, listed, stopped, deleted. Whose they are is the caller's tenant."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.dialects.responses import items as reading
from samovar.api.dialects.responses.output import Head
from samovar.api.dialects.responses.stream import ResponseStream
from samovar.api.dialects.responses.translate import ResponsesAsked
from samovar.api.dialects.responses.wire import Deleted, Page
from samovar.api.reading.body import Json
from samovar.api.reading.pages import page_of
from samovar.api.routing import Routes
from samovar.core.errors import InvalidParameter
from samovar.services.contracts import KeptResponse, NoSuchResponse, Responses

USUAL, MOST = 20, 100

ITEM_ID = re.compile(r"[a-z]+_([0-9a-f]+)_\w+")
"""What `output.item_id` and `items.kept` make: with the stem of the response's own id."""


class Output(msgspec.Struct, frozen=True):
    """What of a kept response the next request is given."""

    output: list[Json]


def router(desk: Desk) -> Routes:
    routes = Routes("/responses/{id}")

    @routes.get("")
    async def retrieve_response(request: Request, id: str) -> Response:
        if request.query_params.get("stream") == "true":
            raise InvalidParameter("api.field_refused", name="stream")
        stream = _running(desk, request, id)
        return _json(stream.response if stream else await _value(desk, request, id))

    @routes.delete("")
    async def delete_response(request: Request, id: str) -> Response:
        await desk.responses.remove(caller_of(request).tenant, id)
        return _json(msgspec.json.encode(Deleted(id)))

    @routes.get("/input_items")
    async def list_input_items(request: Request, id: str) -> Response:
        *before, own = await desk.responses.thread(caller_of(request).tenant, id)
        listed = [*items(before), *_asked(own)]
        ordered = listed if request.query_params.get("order") == "asc" else listed[::-1]
        page, more = page_of(ordered, lambda item: str(item["id"]), request.query_params, usual=USUAL, most=MOST)
        first, last = (str(page[0]["id"]), str(page[-1]["id"])) if page else (None, None)
        return _json(msgspec.json.encode(Page(page, first, last, more)))

    @routes.post("/cancel")
    async def cancel_response(request: Request, id: str) -> Response:
        """What has ended stays as it is."""
        stream = _running(desk, request, id)
        if stream is None:
            return _json(await _value(desk, request, id))
        stopped = stream.stopped()
        await desk.running.stop(caller_of(request).tenant, id)
        return _json(stopped)

    return routes


def record(asked: ResponsesAsked, head: Head, response: bytes) -> KeptResponse:
    """What is kept of a response and of what was asked for it."""
    return KeptResponse(
        id=head.id,
        previous=asked.repeated.previous_response_id,
        created=float(head.created),
        input=msgspec.Raw(msgspec.json.encode(reading.kept(asked.input, head.stem))),
        value=msgspec.Raw(response),
    )


async def resolved(responses: Responses, tenant: str, body: Json) -> Json:
    """`body`, with the kept items themselves where its input only refers to them. Raises NoSuchResponse."""
    sent = body.get("input")
    if not isinstance(sent, list):
        return body
    whole = [await _item(responses, tenant, item) if _refers(item) else item for item in sent]
    return {**body, "input": whole}


def _refers(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "item_reference"


async def _item(responses: Responses, tenant: str, reference: Json) -> Json:
    """An item's id tells the response that it belongs to."""
    id = str(reference.get("id"))
    stem = ITEM_ID.fullmatch(id)
    kept = await responses.get(tenant, f"resp_{stem[1]}") if stem else None
    found = next((item for item in items([kept] if kept else []) if item["id"] == id), None)
    if found is None:
        raise NoSuchResponse("responses.no_item", id=id[:60])
    return found


def items(thread: Iterable[KeptResponse]) -> list[Json]:
    """What was asked and said in all of `thread`."""
    return [item for kept in thread for item in (*_asked(kept), *_said(kept))]


def _asked(kept: KeptResponse) -> list[Json]:
    return msgspec.json.decode(kept.input, type=list[Json])


def _said(kept: KeptResponse) -> list[Json]:
    return msgspec.json.decode(kept.value, type=Output).output


def _running(desk: Desk, request: Request, id: str) -> ResponseStream | None:
    """The stream that writes the response now."""
    wires = (run.wire for run in desk.running.of(caller_of(request).tenant, id))
    return next((wire for wire in wires if isinstance(wire, ResponseStream)), None)


async def _value(desk: Desk, request: Request, id: str) -> bytes:
    return bytes((await desk.responses.get(caller_of(request).tenant, id)).value)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
