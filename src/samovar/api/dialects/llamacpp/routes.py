"""The routes: reads a request, asks at the desk, writes the answer."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.llamacpp import server, slots, tokens, translate
from samovar.api.dialects.llamacpp.spelling import spelled
from samovar.api.dialects.llamacpp.stream import Chunks, Finals, whole
from samovar.api.dialects.llamacpp.translate import LlamaAsked
from samovar.api.reading.body import decode
from samovar.api.routing import Routes
from samovar.core.requests import Completion
from samovar.services.contracts import Generation


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.post("/completion")
    @routes.post("/completions")
    async def completion(request: Request) -> Response:
        body = await spelled(decode(await request.body()), desk.answers)
        return await _answer(desk, request, translate.completion(body))

    @routes.post("/infill")
    async def infill(request: Request) -> Response:
        body = await spelled(decode(await request.body()), desk.answers)
        return await _answer(desk, request, translate.infill(body))

    routes.include(tokens.router(desk))
    routes.include(server.router(desk))
    routes.include(slots.router(desk))
    return routes


async def _answer(desk: Desk, request: Request, asked: LlamaAsked) -> Response:
    prompts = [await _text(desk, one) for one in asked.completions]
    if not asked.stream:
        collected, warnings = await desk.whole(request, asked)
        body = whole(collected, Finals(asked, prompts, collected.model, warnings))
        return Response(body, media_type="application/json")

    def open_wire(generation: Generation, warnings: list[str]) -> Chunks:
        finals = Finals(asked, prompts, generation.model, warnings)
        return Chunks(finals, generation.accepted.prompt_tokens, time.monotonic)

    return await desk.stream(request, asked, open_wire)


async def _text(desk: Desk, completion: Completion) -> str:
    """The prompt as llama.cpp repeats it in its answer."""
    prompt = completion.prompt
    if not isinstance(prompt, tuple):
        return prompt or ""
    pieces = await desk.answers.detokenize(prompt, completion.model)
    return b"".join(piece for _, piece in pieces).decode("utf-8", "replace")
