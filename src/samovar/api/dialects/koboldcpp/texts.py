"""Texts as tokens and back, as vectors, and schemas as grammars. Bodies come under any content type."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.reading.body import Fields, decode
from samovar.api.sse import while_connected

MOST_TEXTS = 2048


def router(desk: Desk) -> APIRouter:
    routes = APIRouter()

    @routes.post("/api/extra/tokencount")
    @routes.post("/api/extra/tokenize")
    async def tokencount(request: Request) -> Response:
        """`special` is true unless said: with the begin-of-sequence token, and control tokens as such."""
        fields = Fields(decode(await request.body()))
        prompt, special = fields.text("prompt"), fields.take("special") is not False
        tokens = await desk.answers.tokenize(prompt or "", special=special, bos=special)
        ids = [id for id, _ in tokens]
        return _json({"value": len(ids), "ids": ids})

    @routes.post("/api/extra/detokenize")
    async def detokenize(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        ids = fields.take("ids")
        if not isinstance(ids, list) or not all(type(id) is int for id in ids):
            raise fields.wrong("ids", "array", ids)
        pieces = await desk.answers.detokenize(tuple(ids))
        text = b"".join(piece for _, piece in pieces).decode("utf-8", "replace")
        return _json({"result": text, "success": True})

    @routes.post("/api/extra/json_to_grammar")
    async def json_to_grammar(request: Request) -> Response:
        # Imported when it is asked for: grammars come with numpy, which a start need not wait for.
        from samovar.sampling.grammar.schema_gbnf import to_gbnf

        schema = Fields(decode(await request.body())).take("schema")
        return _json({"result": to_gbnf(schema), "success": True})

    @routes.post("/api/extra/embeddings")
    async def embeddings(request: Request) -> Response:
        given = _texts(Fields(decode(await request.body())))
        embedded = await while_connected(request.receive, desk.answers.embed(given))
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(embedded.vectors)
        ]
        usage = {"prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens}
        return _json({"object": "list", "data": data, "model": embedded.model, "usage": usage})

    return routes


def _texts(fields: Fields) -> Sequence[str]:
    """The texts of `input`, the empty ones among them too: each has a vector."""
    given = fields.take("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise fields.wrong("input", "string or array", given)
    if not 0 < len(texts) <= MOST_TEXTS:
        raise fields.missing("input") if not texts else fields.wrong("input", "array", len(texts))
    return texts


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
