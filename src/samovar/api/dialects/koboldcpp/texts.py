"""Texts as tokens and back, as vectors, and schemas as grammars. Bodies come under any content type."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.dialects.koboldcpp.reply import reply
from samovar.api.dialects.openai import embeddings
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.api.sse import while_connected


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.post("/api/extra/tokencount")
    @routes.post("/api/extra/tokenize")
    async def tokencount(request: Request) -> Response:
        """`special` is true unless said: with the begin-of-sequence token, and control tokens as such."""
        fields = Fields(decode(await request.body()))
        prompt, special = fields.text("prompt"), fields.take("special") is not False
        ids = await desk.answers.tokenize(prompt or "", special=special, bos=special)
        return reply({"value": len(ids), "ids": ids})

    @routes.post("/api/extra/detokenize")
    async def detokenize(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        pieces = await desk.answers.detokenize(fields.tokens("ids"))
        text = b"".join(piece for _, piece in pieces).decode("utf-8", "replace")
        return reply({"result": text, "success": True})

    @routes.post("/api/extra/json_to_grammar")
    async def json_to_grammar(request: Request) -> Response:
        # Imported when it is asked for: grammars come with numpy, which a start need not wait for.
        from samovar.sampling.grammar.schema_gbnf import to_gbnf

        schema = Fields(decode(await request.body())).take("schema")
        return reply({"result": to_gbnf(schema), "success": True})

    @routes.post("/api/extra/embeddings")
    async def embed(request: Request) -> Response:
        body = decode(await request.body())
        if body.get("input") == []:
            # SillyTavern asks so for the model's name, by which it keeps its vectors apart.
            return reply(embeddings.nothing(desk.models.state.name or ""))
        asked, truncate = embeddings.read(body), body.get("truncate") is not False
        await names.check(desk.models, asked.model)
        work = desk.answers.embed(asked.texts, asked.model, truncate=truncate)
        return reply(embeddings.reply(asked, await while_connected(request.receive, work)))

    return routes
