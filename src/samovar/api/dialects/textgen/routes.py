"""The routes of `/v1/internal`: tokens, the next token, the prompt of a chat, and which model is loaded."""

from __future__ import annotations

import math

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.dialects.openai import translate
from samovar.api.reading.body import Fields, decode
from samovar.api.reading.contexts import read_context
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import Missing
from samovar.core.events import Stage

LOADER = "llama.cpp"
MOST_LOGITS = 1000
USUAL_LOGITS = 50


def router(desk: Desk) -> Routes:
    routes = Routes("/v1/internal")
    _tokens(routes, desk)
    _answers(routes, desk)
    _models(routes, desk)
    _adapters(routes)
    return routes


def _tokens(routes: Routes, desk: Desk) -> None:
    @routes.post("/encode")
    async def encode(request: Request) -> Response:
        tokens = await _encoded(desk, request)
        return _reply({"tokens": tokens, "length": len(tokens)})

    @routes.post("/token-count")
    async def count(request: Request) -> Response:
        return _reply({"length": len(await _encoded(desk, request))})

    @routes.post("/decode")
    async def decoded(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        spelled = await desk.answers.detokenize(fields.tokens("tokens"))
        return _reply({"text": b"".join(piece for _, piece in spelled).decode("utf-8", "replace")})


def _answers(routes: Routes, desk: Desk) -> None:
    @routes.post("/logits")
    async def logits(request: Request) -> Response:
        body = decode(await request.body())
        own = Fields({name: body.pop(name, None) for name in ("use_samplers", "top_logits")})
        after, top = own.flag("use_samplers"), own.whole("top_logits", 1, MOST_LOGITS) or USUAL_LOGITS
        asked = await desk.completions(request, translate.text(body))
        stages = await while_connected(request.receive, desk.answers.next_token(asked.completions[0], top))
        return _reply({"logits": _table(stages[-1] if after else stages[0])})

    @routes.post("/chat-prompt")
    async def chat_prompt(request: Request) -> Response:
        asked = await desk.completions(request, translate.chat(decode(await request.body())))
        rendered = await desk.answers.render(asked.completions[0])
        return _reply({"prompt": "".join(part.text for part in rendered.parts)})

    @routes.post("/stop-generation")
    async def stop(request: Request) -> Response:
        await desk.running.stop(caller_of(request).tenant)
        return _reply("OK")

    @routes.get("/health")
    async def health() -> Response:
        return _reply({"status": "ok"})


def _models(routes: Routes, desk: Desk) -> None:
    @routes.get("/model/info")
    async def info() -> Response:
        name = desk.models.state.name
        return _reply({"model_name": name or "None", "lora_names": [], "loader": LOADER if name else None})

    @routes.get("/model/list")
    async def listed() -> Response:
        return _reply({"model_names": [model.name for model in await names.listed(desk.models)]})

    @routes.post("/model/load")
    async def load(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        name, choice = fields.text("model_name"), read_context(fields.nested("args"))
        if not name:
            raise fields.missing("model_name")
        await names.check(desk.models, name)
        await desk.models.load(name, choice)
        return _reply("OK")

    @routes.post("/model/unload")
    async def unload() -> Response:
        await desk.models.unload(desk.models.state.name)
        return _reply("OK")


def _adapters(routes: Routes) -> None:
    @routes.get("/lora/list")
    async def listed() -> Response:
        return _reply({"lora_names": []})

    @routes.post("/lora/load")
    @routes.post("/lora/unload")
    async def change() -> Response:
        raise Missing("textgen.no_adapters")


async def _encoded(desk: Desk, request: Request) -> tuple[int, ...]:
    """Ids of the text alone: clients ban and bias what they get here, which no begin-of-sequence token may be."""
    fields = Fields(decode(await request.body()))
    text = fields.text("text")
    if text is None:
        raise fields.missing("text")
    return await desk.answers.tokenize(text, special=False)


def _table(stage: Stage) -> dict[str, float]:
    return {other.piece.decode("utf-8", "replace"): math.exp(other.logprob) for other in stage.top}


def _reply(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
