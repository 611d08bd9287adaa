"""/api/generate and /api/chat: from a translated body to lines, or one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.ollama import translate
from samovar.api.dialects.ollama.catalogue import Catalogue
from samovar.api.dialects.ollama.clock import Clock
from samovar.api.dialects.ollama.names import tagged
from samovar.api.dialects.ollama.stream import Head, Lines, whole
from samovar.api.dialects.ollama.translate import OllamaAsked
from samovar.api.dialects.ollama.wire import Ending, Form, Said, chat_line, encode, generate_line
from samovar.api.reading.body import Json, decode
from samovar.api.routing import Routes
from samovar.api.sse import NDJSON, Writing, while_connected
from samovar.services.contracts import Generation

PAUSE = 0.005
"""Seconds between two lines for clients that lose what they read together with a line that they are parsing."""

FORGETFUL_CLIENTS = ("node-fetch",)
"""How they call themselves. SillyTavern's server parses all that it has read as one object, and reads no further
once that fails: two lines in one read, and the rest of the answer is gone."""


@dataclass(frozen=True)
class Answering:
    """What the two routes share."""

    desk: Desk
    catalogue: Catalogue

    async def answer(self, request: Request, read: Callable[[Json], OllamaAsked], form: Form) -> Response:
        clock = Clock()
        asked = read(decode(await request.body()))
        called = asked.model
        asked = await self._resolved(asked)
        if asked.empty:
            return await self._loaded(request, asked, called, form, clock)
        prepared, remembered = asked, None
        if asked.remembers:
            prepared, remembered = await while_connected(request.receive, self._prepared(request, asked))

        def head(model: str, warnings: list[str]) -> Head:
            return Head(form, called or tagged(model), clock, asked.logprobs, warnings, remembered)

        def open_wire(generation: Generation, warnings: list[str]) -> Lines:
            return Lines(head(generation.model, warnings))

        if asked.stream:
            return await self.desk.stream(request, prepared, open_wire, writing_for(request))
        collected, warnings = await self.desk.whole(request, prepared)
        return json_response(whole(collected, head(collected.model, warnings)))

    async def _resolved(self, asked: OllamaAsked) -> OllamaAsked:
        name = await self.catalogue.resolve(asked.model)
        return replace(asked, completions=tuple(replace(one, model=name) for one in asked.completions))

    async def _prepared(self, request: Request, asked: OllamaAsked) -> tuple[OllamaAsked, tuple[int, ...] | None]:
        """What is to be asked, and the tokens of its prompt, with which the answer ends. A conversation that comes
        as tokens goes on as tokens: behind them the new prompt, without a second beginning."""
        complete = await self.desk.completions(request, asked)
        completion = complete.completions[0]
        prompt = (await self.desk.answers.render(completion)).tokens
        if not asked.tokens:
            return asked, prompt
        beginning = await self.desk.answers.tokenize("", special=False, bos=True, model=completion.model)
        new = prompt[len(beginning) :] if prompt[: len(beginning)] == beginning else prompt
        joined = asked.tokens + new
        as_tokens = replace(completion, messages=(), prompt=joined, template=None, reads=False)
        return replace(asked, completions=(as_tokens,)), joined

    async def _loaded(
        self, request: Request, asked: OllamaAsked, called: str | None, form: Form, clock: Clock
    ) -> Response:
        """Nothing was said: the model is made ready, or let go."""
        models, name = self.desk.models, asked.model
        stay = asked.completions[0].keep_alive
        unload = stay == 0
        if unload:
            await models.unload(name or models.state.name)
        else:
            await while_connected(request.receive, models.load_beside(name, stay))
        ending = Ending("unload" if unload else "load", load_duration=clock.elapsed)
        model = called or tagged(name or models.state.name or "")
        return json_response(encode(form(model, clock.now(), Said(), done=True), ending))


def router(answering: Answering) -> Routes:
    routes = Routes()

    @routes.post("/generate")
    async def generate(request: Request) -> Response:
        return await answering.answer(request, translate.generate, generate_line)

    @routes.post("/chat")
    async def chat(request: Request) -> Response:
        return await answering.answer(request, translate.chat, chat_line)

    return routes


def writing_for(request: Request) -> Writing:
    agent = request.headers.get("user-agent", "").lower()
    return APART if agent.startswith(FORGETFUL_CLIENTS) else NDJSON


def json_response(body: bytes) -> Response:
    return Response(body, media_type="application/json")


APART = Writing(NDJSON.media_type, apart=True, ping=b"", pause=PAUSE)
