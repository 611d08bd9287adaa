"""Texts as tokens and back, chats as prompts, texts as vectors: what llama.cpp's server answers without drawing.

`/tokenize` also takes the body of vLLM's (`prompt` in place of `content`), and answers it as vLLM does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.llamacpp.spelling import MOST_TEXTS, spelled
from samovar.api.dialects.openai import translate as openai
from samovar.api.reading.body import Fields, Json, decode
from samovar.api.reading.model import read_model
from samovar.api.reading.prompts import are_tokens, read_prompts
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import InvalidInput

LENGTH_ONE = 2
"""llama.cpp's `embd_normalize` for vectors of length 1, its default."""

Spelling = tuple[tuple[int, bytes], ...]


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.post("/tokenize")
    async def tokenize(request: Request) -> Response:
        body = decode(await request.body())
        if body.get("content") is None and body.get("prompt") is not None:
            return _json(await _as_vllm(desk, Fields(body)))
        return _json(await _tokenized(desk, body))

    @routes.post("/detokenize")
    async def detokenize(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        tokens = fields.take("tokens") or []
        if not isinstance(tokens, list) or not are_tokens(tokens):
            raise fields.wrong("tokens", "array of token ids", tokens)
        pieces = await desk.answers.detokenize(tuple(tokens), read_model(fields)) if tokens else ()
        return _json({"content": b"".join(piece for _, piece in pieces).decode("utf-8", "replace")})

    @routes.post("/apply-template")
    async def apply_template(request: Request) -> Response:
        asked = await desk.completions(request, openai.chat(decode(await request.body())))
        prompt = await while_connected(request.receive, desk.answers.render(asked.completions[0]))
        return _json({"prompt": "".join(part.text for part in prompt.parts)})

    @routes.post("/embedding")
    @routes.post("/embeddings")
    async def embedding(request: Request) -> Response:
        return _json(await while_connected(request.receive, _embedded(desk, decode(await request.body()))))

    return routes


async def _tokenized(desk: Desk, body: Json) -> dict[str, object]:
    """`content` may be a text, or a list of texts and ids; only its beginning gets a begin-of-sequence token."""
    fields = Fields(body)
    bos = fields.flag("add_special")
    special = fields.take("parse_special") is not False
    model, with_pieces, content = read_model(fields), fields.flag("with_pieces"), fields.take("content")
    pieces = content if isinstance(content, list) else [] if content is None else [content]
    if sum(isinstance(piece, str) for piece in pieces) > MOST_TEXTS:
        raise fields.wrong("content", f"array of at most {MOST_TEXTS} texts", content)
    found: list[int] = []
    for text, alike in groupby(pieces, lambda piece: isinstance(piece, str)):
        run = list(alike)
        for piece in run if text else ():
            first = bos and not found
            found += await desk.answers.tokenize(piece, special=special, bos=first, model=model)
        if not text:
            if not are_tokens(run):
                raise fields.wrong("content", "string", content)
            found += [id for id, _ in await desk.answers.detokenize(tuple(run), model)]
    if not with_pieces:
        return {"tokens": found}
    return {"tokens": [_piece(*token) for token in await desk.answers.detokenize(tuple(found), model)]}


def _piece(id: int, piece: bytes) -> dict[str, object]:
    """Bytes that are no text by themselves stay bytes."""
    try:
        return {"id": id, "piece": piece.decode()}
    except UnicodeDecodeError:
        return {"id": id, "piece": list(piece)}


async def _as_vllm(desk: Desk, fields: Fields) -> dict[str, object]:
    """Without a begin-of-sequence token unless it is asked for: SillyTavern bans the ids that it gets here."""
    text, bos, model = fields.text("prompt") or "", fields.flag("add_special_tokens"), read_model(fields)
    tokens = await desk.answers.tokenize(text, special=bos, bos=bos, model=model)
    window = next((one.window for one in desk.models.loaded() if model in (None, one.name)), None)
    return {"count": len(tokens), "max_model_len": window, "tokens": tokens}


async def _embedded(desk: Desk, body: Json) -> Sequence[dict[str, object]]:
    """A vector for each text, each in a list of its own, as llama.cpp gives those of every pooling."""
    content = body.get("content") if body.get("input") is None else body.get("input")
    fields = Fields(await spelled({**body, "prompt": content}, desk.answers))
    texts = read_prompts(fields)
    if fields.whole("embd_normalize", -1, 100) not in (None, LENGTH_ONE):
        raise InvalidInput("llamacpp.normalize", wanted=LENGTH_ONE)
    embedded = await desk.answers.embed(texts, read_model(fields))
    return [{"index": i, "embedding": [vector]} for i, vector in enumerate(embedded.vectors)]


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
