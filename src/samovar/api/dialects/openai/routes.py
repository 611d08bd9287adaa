"""The routes: reads a request, asks the services, writes the answer. A client that goes away frees its sequence."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request
from starlette.responses import Response

from samovar import __version__
from samovar.api.body import decode
from samovar.api.dialects.openai import inspection, together, translate
from samovar.api.dialects.openai import models as catalogue
from samovar.api.dialects.openai.forms import ChatForm, Form, TextForm
from samovar.api.dialects.openai.stream import Chunks, whole
from samovar.api.dialects.openai.translate import Asked
from samovar.api.dialects.openai.wire import Head, encode
from samovar.api.errors import Unexpected
from samovar.api.sse import EventStream, while_connected
from samovar.core.catalogue import Language, language_of, say
from samovar.core.errors import EngineFailed, SamovarError
from samovar.core.events import Done
from samovar.services.contracts import Answers, Generation, Models, Presets

log = logging.getLogger("samovar.api")

FINGERPRINT = f"samovar-{__version__}"
MOST_NAMED = 100


def router(answers: Answers, models: Models, presets: Presets) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/models")
    async def list_models() -> Response:
        return _json(encode(await catalogue.all_of(models)))

    @routes.get("/models/{name:path}")
    async def one_model(name: str) -> Response:
        return _json(encode(await catalogue.named(models, name)))

    @routes.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        asked = await _settled(translate.chat(decode(await request.body())), presets)
        return await _answer(request, answers, models, asked, ChatForm(logprobs=asked.logprobs))

    @routes.post("/completions")
    async def completions(request: Request) -> Response:
        asked = await _settled(translate.text(decode(await request.body())), presets)
        return await _answer(request, answers, models, asked, TextForm(logprobs=asked.logprobs))

    routes.include_router(inspection.router(answers))
    return routes


async def _settled(asked: Asked, presets: Presets) -> Asked:
    """With the preset that it names, where it does."""
    return asked if asked.preset is None else translate.with_preset(asked, await presets.params(asked.preset))


async def _answer(request: Request, answers: Answers, models: Models, asked: Asked, form: Form) -> Response:
    language = language_of(request.headers.get("accept-language"))
    await catalogue.check(models, asked.completions[0].model)
    if not asked.stream:
        return _json(await while_connected(request.receive, _complete(answers, asked, form, language)))
    # Everything that is refused is refused here, with a status of its own: nothing has been sent yet.
    generation = await while_connected(request.receive, together.start(answers, asked.completions))
    head = _head(form.prefix, form.chunk, generation.model)
    warnings = _warnings(asked, language) + _notes(generation, language)
    chunks = Chunks(form, head, include_usage=asked.include_usage, warnings=warnings)
    return EventStream(_frames(chunks, generation, asked.choices, language), generation.cancel)


async def _complete(answers: Answers, asked: Asked, form: Form, language: Language) -> bytes:
    generation = await together.start(answers, asked.completions)
    warnings = _warnings(asked, language) + _notes(generation, language)
    try:
        return await whole(generation, form, _head(form.prefix, form.answer, generation.model), warnings)
    finally:
        await generation.cancel()


async def _frames(
    chunks: Chunks, generation: Generation, choices: int, language: Language
) -> AsyncGenerator[bytes, None]:
    if opened := chunks.first(choices):
        yield opened
    try:
        async for event in generation:
            if data := chunks.translate(event):
                yield data
            if isinstance(event, Done):
                return
        raise EngineFailed("api.broken_off")
    except SamovarError as error:
        yield chunks.failure(error, language)
    except Exception:
        log.exception("a stream broke off")
        yield chunks.failure(Unexpected("api.unexpected"), language)


def _head(prefix: str, kind: str, model: str) -> Head:
    return Head(prefix + secrets.token_hex(12), kind, int(time.time()), model, FINGERPRINT)


def _warnings(asked: Asked, language: Language) -> list[str]:
    if not asked.ignored:
        return []
    names = ", ".join(name[:40] for name in asked.ignored[:MOST_NAMED])
    return [say("api.openai.ignored", language, names=names)]


def _notes(generation: Generation, language: Language) -> list[str]:
    return [say(note.key, language, **note.facts) for note in generation.notes]


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
