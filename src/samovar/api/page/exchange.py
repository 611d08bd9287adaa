"""What every route of the page's API does with a request and an answer."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.reading.body import Fields, Json, decode
from samovar.core.catalogue import Language, language_of


async def body_of(request: Request) -> Json:
    """The body, where a null is not the same as nothing. Raises InvalidInput for what is no JSON object."""
    return decode(await request.body())


async def fields(request: Request) -> Fields:
    """The body's fields. Raises InvalidInput for what is no JSON object."""
    return Fields(await body_of(request))


def required(body: Fields, name: str) -> str:
    """A text that must be there; it may be empty. Raises InvalidParameter."""
    text = body.text(name)
    if text is None:
        raise body.missing(name)
    return text


def language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language"))


def reply(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
