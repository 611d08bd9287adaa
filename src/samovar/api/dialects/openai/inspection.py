"""Looking inside, beyond what OpenAI has: the next token step by step, and texts as tokens and back.

`/v1/next_token` takes the body of a chat or text completion and `top`; `/v1/tokenize` a `text` and `special`;
`/v1/detokenize` `tokens`. Who asks `/v1/tokenize` with a `prompt` in place of the text, as Aphrodite's clients do,
gets the ids alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.openai import translate
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.events import Stage

MOST_TOP = 1000
DEFAULT_TOP = 10

Spelling = tuple[tuple[int, bytes], ...]


class Token(msgspec.Struct):
    """A token's bytes beside its text: half a character has no text of its own."""

    id: int
    text: str
    bytes: list[int]


class Likely(Token):
    probability: float


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.post("/next_token")
    async def next_token(request: Request) -> Response:
        body = dict(decode(await request.body()))
        top = Fields({"top": body.pop("top", None)}).whole("top", 1, MOST_TOP) or DEFAULT_TOP
        asked = await desk.completions(request, _asked(body))
        stages = await while_connected(request.receive, desk.answers.next_token(asked.completions[0], top))
        return _reply({"object": "next_token", "stages": [_stage(stage) for stage in stages]})

    @routes.post("/tokenize")
    async def tokenize(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        text, prompt, special = fields.text("text"), fields.text("prompt"), fields.flag("special")
        if text is None and prompt is None:
            raise fields.missing("text")
        tokens = await desk.answers.tokenize(text or prompt or "", special=special)
        return _reply(_tokens(await desk.answers.detokenize(tokens)) if prompt is None else _ids(tokens))

    @routes.post("/detokenize")
    async def detokenize(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        return _reply(_tokens(await desk.answers.detokenize(fields.tokens("tokens"))))

    return routes


def _asked(body: dict[str, object]) -> Asked:
    return translate.chat(body) if "messages" in body else translate.text(body)


def _stage(stage: Stage) -> dict[str, object]:
    top = [Likely(a.id, _text(a.piece), list(a.piece), math.exp(a.logprob)) for a in stage.top]
    return {"step": stage.step or "model", "survivors": stage.survivors, "top": top}


def _ids(tokens: Sequence[int]) -> dict[str, object]:
    return {"tokens": tokens, "count": len(tokens)}


def _tokens(spelled: Spelling) -> dict[str, object]:
    pieces = [Token(id, _text(piece), list(piece)) for id, piece in spelled]
    text = _text(b"".join(piece for _, piece in spelled))
    return {**_ids([id for id, _ in spelled]), "text": text, "pieces": pieces}


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def _reply(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
