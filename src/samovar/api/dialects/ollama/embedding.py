"""/api/embed and the older /api/embeddings: texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.answering.vectors import MOST_TEXTS, shortened
from samovar.api.dialects.ollama.catalogue import Catalogue
from samovar.api.dialects.ollama.clock import Clock
from samovar.api.dialects.ollama.fields import FIELDS
from samovar.api.dialects.ollama.keep import read_keep_alive
from samovar.api.dialects.ollama.names import tagged
from samovar.api.dialects.ollama.translate import read_model, read_switch
from samovar.api.reading.body import Fields, decode
from samovar.api.reading.fieldtable import settle
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import InvalidParameter
from samovar.services.contracts import Embedded

MOST_DIMENSIONS = 1 << 20


class Vectors(msgspec.Struct, frozen=True):
    model: str
    embeddings: Sequence[Sequence[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OneVector(msgspec.Struct, frozen=True):
    embedding: Sequence[float]


@dataclass(frozen=True)
class Embedding:
    desk: Desk
    catalogue: Catalogue

    async def many(self, request: Request) -> Vectors:
        clock, fields = Clock(), Fields(decode(await request.body()))
        settle(fields, FIELDS, "embed")
        called, texts = read_model(fields), _texts(fields)
        truncate, keep_alive = read_switch(fields, "truncate"), read_keep_alive(fields)
        dimensions = fields.whole("dimensions", 1, MOST_DIMENSIONS)
        model = await self.catalogue.resolve(called)
        embedded = Embedded(model or self.desk.models.state.name or "", (), 0)
        if texts:
            work = self.desk.answers.embed(texts, model, truncate=truncate, keep_alive=keep_alive)
            embedded = await while_connected(request.receive, work)
        vectors = [shortened(vector, dimensions) for vector in embedded.vectors]
        return Vectors(called or tagged(embedded.model), vectors, clock.elapsed, 0, embedded.tokens)

    async def one(self, request: Request) -> OneVector:
        fields = Fields(decode(await request.body()))
        settle(fields, FIELDS, "old-embed")
        called, prompt, keep_alive = read_model(fields), fields.text("prompt"), read_keep_alive(fields)
        model = await self.catalogue.resolve(called)
        if not prompt:
            return OneVector(())
        work = self.desk.answers.embed((prompt,), model, truncate=True, keep_alive=keep_alive)
        embedded = await while_connected(request.receive, work)
        return OneVector(embedded.vectors[0])


def router(embedding: Embedding) -> Routes:
    routes = Routes()

    @routes.post("/embed")
    async def embed(request: Request) -> Response:
        return Response(msgspec.json.encode(await embedding.many(request)), media_type="application/json")

    @routes.post("/embeddings")
    async def embeddings(request: Request) -> Response:
        return Response(msgspec.json.encode(await embedding.one(request)), media_type="application/json")

    return routes


def _texts(fields: Fields) -> tuple[str, ...]:
    """One text or several; none where there is nothing in it."""
    value = fields.take("input")
    if value is None or value == "":
        return ()
    texts = value if isinstance(value, list) else [value]
    if len(texts) > MOST_TEXTS:
        raise InvalidParameter("embeddings.too_many", name="input", count=len(texts), maximum=MOST_TEXTS)
    if not all(isinstance(text, str) for text in texts):
        raise fields.wrong("input", "string", value)
    return tuple(str(text) for text in texts)
