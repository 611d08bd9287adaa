"""What every route of the page's API does with a request and an answer."""

from __future__ import annotations

import msgspec
from fastapi import Request
from starlette.responses import Response

from samovar.api.body import Fields, decode
from samovar.core.catalogue import Language, language_of


async def fields(request: Request) -> Fields:
    """The body's fields. Raises InvalidInput for what is no JSON object."""
    return Fields(decode(await request.body()))


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
