"""The routes of generation: reads a request, asks at the desk, writes the answer; and what asks after an answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.dialects.koboldcpp import absent, admin, information, texts
from samovar.api.dialects.koboldcpp.answer import Tokens, logprobs_of, whole
from samovar.api.dialects.koboldcpp.prompt import prepared
from samovar.api.dialects.koboldcpp.reply import reply
from samovar.api.dialects.koboldcpp.translate import KoboldAsked, generate, key_of
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.services.contracts import Generation


def router(desk: Desk) -> Routes:
    routes = Routes()
    for part in (information, texts, absent, admin):
        routes.include(part.router(desk))

    @routes.post("/api/v1/generate")
    @routes.post("/api/latest/generate")
    async def complete(request: Request) -> Response:
        asked = await _asked(desk, request, stream=False)
        collected, warnings = await desk.whole(request, asked)
        return reply(whole(collected, warnings, trim_stop=asked.trim_stop))

    @routes.post("/api/extra/generate/stream")
    async def stream(request: Request) -> Response:
        asked = await _asked(desk, request, stream=True)

        def open_wire(_: Generation, warnings: list[str]) -> Tokens:
            return Tokens(warnings, trim_stop=asked.trim_stop)

        return await desk.stream(request, asked, open_wire)

    @routes.get("/api/extra/generate/check")
    @routes.post("/api/extra/generate/check")
    async def check(request: Request) -> Response:
        run = desk.running.last(caller_of(request).tenant, await _key(request))
        return reply({"results": [{"text": run.text if run else ""}]})

    @routes.get("/api/extra/last_logprobs")
    @routes.post("/api/extra/last_logprobs")
    async def last_logprobs(request: Request) -> Response:
        run = desk.running.last(caller_of(request).tenant, await _key(request))
        return reply({"logprobs": logprobs_of(run.tokens) if run and run.tokens else None})

    @routes.post("/api/extra/abort")
    async def abort(request: Request) -> Response:
        await desk.running.stop(caller_of(request).tenant, await _key(request))
        return reply({"success": "true", "done": "true"})

    return routes


async def _asked(desk: Desk, request: Request, *, stream: bool) -> KoboldAsked:
    asked = generate(decode(await request.body()), stream=stream)
    return await while_connected(request.receive, prepared(desk, asked))


async def _key(request: Request) -> str:
    return key_of(Fields(decode(await request.body())).text("genkey"))
