"""The routes of tabbyAPI beside its completions."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.dialects.openai import translate
from samovar.api.dialects.tabbyapi import switching
from samovar.api.dialects.tabbyapi.cards import card, current
from samovar.api.dialects.tabbyapi.errors import error_shape
from samovar.api.dialects.tabbyapi.loading import steps
from samovar.api.dialects.tabbyapi.reply import reply
from samovar.api.reading.body import Fields, decode
from samovar.api.reading.contexts import read_context
from samovar.api.routing import Routes
from samovar.api.sse import EventStream
from samovar.core.catalogue import language_of
from samovar.core.engine import EngineInfo
from samovar.core.errors import Missing


def router(desk: Desk) -> Routes:
    routes = Routes()
    routes.include(_own(desk))
    routes.include(switching.router(desk))
    return routes


def _own(desk: Desk) -> Routes:
    routes = Routes("/v1")
    _models(routes, desk)
    _tokens(routes, desk)
    _absent(routes)

    @routes.get("/auth/permission")
    async def permission(request: Request) -> Response:
        return reply({"permission": "api" if caller_of(request).scope == "infer" else "admin"})

    @routes.post("/download")
    async def download(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        source, include = fields.text("repo_id"), fields.strings("include")
        if not source:
            raise fields.missing("repo_id")
        pulled = [step async for step in desk.library.pull("/".join((source, *include[:1])))]
        return reply({"download_path": pulled[-1].model if pulled else None})

    return routes


def _models(routes: Routes, desk: Desk) -> None:
    @routes.get("/model/list")
    async def listed() -> Response:
        return reply({"object": "list", "data": [card(model) for model in await names.listed(desk.models)]})

    @routes.get("/model")
    async def loaded() -> Response:
        return reply(await current(desk, await names.named(desk.models, switching.loaded_model(desk))))

    @routes.post("/model/load")
    async def load(request: Request) -> Response:
        """Progress as a stream. A load goes on when its asker leaves."""
        fields = Fields(decode(await request.body()))
        name, choice = fields.text("model_name"), read_context(fields)
        if not name:
            raise fields.missing("model_name")
        await names.check(desk.models, name)
        if template := fields.text("prompt_template"):
            await switching.switch_template(desk, name, template)
        language = language_of(request.headers.get("accept-language"))
        task = asyncio.create_task(desk.models.load(name, choice))
        task.add_done_callback(_seen)
        frames = steps(desk.models, name, task, lambda error: error_shape(error, language))
        return EventStream(frames, frames.aclose)

    @routes.post("/model/unload")
    async def unload() -> Response:
        await desk.models.unload(desk.models.state.name)
        return reply(None)


def _tokens(routes: Routes, desk: Desk) -> None:
    @routes.post("/token/encode")
    async def encode(request: Request) -> Response:
        body = decode(await request.body())
        fields = Fields(body)
        bos, special = fields.flag("add_bos_token", usual=True), fields.flag("encode_special_tokens", usual=True)
        if isinstance(body.get("text"), list):
            asked = await desk.completions(request, translate.chat({"messages": body["text"]}))
            tokens = (await desk.answers.render(asked.completions[0])).tokens
        else:
            text = fields.text("text")
            if text is None:
                raise fields.missing("text")
            tokens = await desk.answers.tokenize(text, special=special, bos=bos)
        return reply({"tokens": tokens, "length": len(tokens)})

    @routes.post("/token/decode")
    async def decoded(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        spelled = await desk.answers.detokenize(fields.tokens("tokens"))
        return reply({"text": b"".join(piece for _, piece in spelled).decode("utf-8", "replace")})


def _absent(routes: Routes) -> None:
    """What there is none of, in the shape of a list that is empty."""

    @routes.get("/lora")
    @routes.get("/loras")
    @routes.get("/lora/list")
    @routes.get("/model/draft/list")
    @routes.get("/model/embedding/list")
    async def nothing() -> Response:
        return reply({"object": "list", "data": []})

    @routes.post("/lora/load")
    @routes.post("/lora/unload")
    async def adapters() -> Response:
        raise Missing("textgen.no_adapters")

    @routes.post("/model/embedding/load")
    @routes.post("/model/embedding/unload")
    @routes.get("/model/embedding")
    async def embedding() -> Response:
        raise Missing("tabbyapi.embedding_model")


def _seen(task: asyncio.Task[EngineInfo]) -> None:
    """How a load ended is in the model's state for those who look, if its asker has left."""
    if not task.cancelled():
        task.exception()
