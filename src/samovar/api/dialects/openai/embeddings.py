"""`/v1/embeddings`: texts to vectors, as OpenAI's clients ask for them and read them."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Mapping
from sys import byteorder
from types import MappingProxyType

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.answering.vectors import MOST_TEXTS, Vector, shortened
from samovar.api.reading.body import Fields, Json, decode
from samovar.api.reading.fieldtable import Field, honoured, inert, settle
from samovar.api.reading.model import read_model
from samovar.api.reading.prompts import read_prompts
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import InvalidParameter
from samovar.services.contracts import Embedded

ENDPOINTS: Mapping[str, str] = MappingProxyType({"embed": "embeddings"})

FIELDS: tuple[Field, ...] = (
    honoured("input", "a text, token ids, or a list of either, up to 2048. One longer than the window is refused"),
    honoured("model", "an installed model's name; absent, empty or `default`: the loaded one; another name: 404"),
    honoured("encoding_format", "`float`, or `base64`: 32-bit numbers, little-endian"),
    honoured(
        "dimensions",
        "the first so many numbers, with length 1 again: of use with models that were trained for it. More than "
        "the model has: 422",
    ),
    inert("user", "not used"),
)

FORMATS = ("float", "base64")


class EmbedAsked(msgspec.Struct, frozen=True):
    texts: tuple[str | tuple[int, ...], ...]
    model: str | None
    base64: bool
    dimensions: int | None


class Embedding(msgspec.Struct, frozen=True):
    index: int
    embedding: Vector | str
    object: str = "embedding"


class EmbedUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    total_tokens: int


class EmbedReply(msgspec.Struct, frozen=True):
    data: list[Embedding]
    model: str
    usage: EmbedUsage
    object: str = "list"


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.post("/embeddings")
    async def embeddings(request: Request) -> Response:
        asked = read(decode(await request.body()))
        await names.check(desk.models, asked.model)
        embedded = await while_connected(request.receive, desk.answers.embed(asked.texts, asked.model))
        return Response(msgspec.json.encode(reply(asked, embedded)), media_type="application/json")

    return routes


def read(body: Json) -> EmbedAsked:
    """A body of /v1/embeddings; fields that nobody knows are ignored. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, FIELDS, "embed")
    texts, model, kind = read_prompts(fields, "input"), read_model(fields), fields.text("encoding_format")
    if len(texts) > MOST_TEXTS:
        raise InvalidParameter("embeddings.too_many", name="input", count=len(texts), maximum=MOST_TEXTS)
    if kind not in (None, *FORMATS):
        known = ", ".join(FORMATS)
        raise InvalidParameter("embeddings.format", name="encoding_format", value=str(kind)[:60], known=known)
    dimensions = fields.whole("dimensions", 1, 2**31 - 1)
    return EmbedAsked(tuple(texts), model, kind == "base64", dimensions)


def reply(asked: EmbedAsked, embedded: Embedded) -> EmbedReply:
    """Raises OutOfRange where more dimensions are asked for than there are."""
    vectors = [shortened(vector, asked.dimensions) for vector in embedded.vectors]
    data = [Embedding(i, packed(v) if asked.base64 else v) for i, v in enumerate(vectors)]
    return EmbedReply(data, embedded.model, EmbedUsage(embedded.tokens, embedded.tokens))


def nothing(model: str) -> EmbedReply:
    """The reply to who sends no text."""
    return EmbedReply([], model, EmbedUsage(0, 0))


def packed(vector: Vector) -> str:
    """float32, little-endian, in base64."""
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
