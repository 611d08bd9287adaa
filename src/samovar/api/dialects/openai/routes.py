"""The routes: reads a request, asks at the desk, writes the answer."""

from __future__ import annotations

import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

from samovar import __version__
from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.dialects.openai import embeddings, inspection, translate
from samovar.api.dialects.openai.echo import EchoForm
from samovar.api.dialects.openai.forms import ChatForm, Form, TextForm
from samovar.api.dialects.openai.stream import Chunks, whole
from samovar.api.dialects.openai.translate import OpenAIAsked
from samovar.api.dialects.openai.wire import Head, Model, ModelList, encode
from samovar.api.reading.body import decode
from samovar.api.routing import Routes
from samovar.core.requests import Completion
from samovar.services.contracts import Generation, InstalledModel

FINGERPRINT = f"samovar-{__version__}"


def router(desk: Desk) -> Routes:
    routes = Routes("/v1")

    @routes.get("/models")
    async def list_models() -> Response:
        return _json(encode(ModelList([_model(model) for model in await names.listed(desk.models)])))

    @routes.get("/models/{name:path}")
    async def one_model(name: str) -> Response:
        return _json(encode(_model(await names.named(desk.models, name))))

    @routes.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        asked = translate.chat(decode(await request.body()))
        return await _answer(desk, request, asked, ChatForm(logprobs=asked.logprobs, functions=asked.functions))

    @routes.post("/completions")
    async def completions(request: Request) -> Response:
        asked = translate.text(decode(await request.body()))
        return await _answer(desk, request, asked, await _text_form(desk, asked))

    routes.include(embeddings.router(desk))
    routes.include(inspection.router(desk))
    return routes


async def _text_form(desk: Desk, asked: OpenAIAsked) -> TextForm:
    if not asked.echo:
        return TextForm(logprobs=asked.logprobs)
    await names.check(desk.models, asked.model)
    prompts = [await _echoed(desk, completion, asked.logprobs) for completion in asked.completions]
    return EchoForm(prompts, asked.completions[0].n, logprobs=asked.logprobs)


async def _echoed(desk: Desk, completion: Completion, logprobs: bool) -> str:
    """The prompt as text; "" for tokens that come back with their log-probabilities anyway."""
    if isinstance(completion.prompt, str) or completion.prompt is None:
        return completion.prompt or ""
    spelled = () if logprobs else await desk.answers.detokenize(completion.prompt, completion.model)
    return b"".join(piece for _, piece in spelled).decode("utf-8", "replace")


async def _answer(desk: Desk, request: Request, asked: OpenAIAsked, form: Form) -> Response:
    if not asked.stream:
        collected, warnings = await desk.whole(request, asked)
        return _json(whole(collected, form, _head(form.prefix, form.answer, collected.model), warnings))

    def open_wire(generation: Generation, warnings: list[str]) -> Chunks:
        head = _head(form.prefix, form.chunk, generation.model)
        return Chunks(form, head, asked.choices, include_usage=asked.include_usage, warnings=warnings)

    return await desk.stream(request, asked, open_wire)


def _model(model: InstalledModel) -> Model:
    return Model(model.name, int(model.created))


def _head(prefix: str, kind: str, model: str) -> Head:
    return Head(prefix + secrets.token_hex(12), kind, int(time.time()), model, FINGERPRINT)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
