"""What Ollama's clients do to the library: pull, copy, delete. A model cannot be made or published here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.ollama.answering import json_response, writing_for
from samovar.api.dialects.ollama.catalogue import Catalogue, digest
from samovar.api.dialects.ollama.errors import error_shape
from samovar.api.dialects.ollama.names import resolved, untagged
from samovar.api.dialects.ollama.translate import read_model, read_switch
from samovar.api.dialects.ollama.wire import encode
from samovar.api.errors import outward
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.api.sse import EventStream, while_connected
from samovar.core.catalogue import Language, language_of
from samovar.core.errors import Conflict, InvalidInput, Missing, NotFound, SamovarError
from samovar.services.contracts import Pulling

HUB_PREFIXES = ("hf.co/", "huggingface.co/")

MADE_OF = ("files", "adapters", "template", "system", "parameters", "messages", "quantize", "modelfile", "path")
"""What Ollama makes a model of, besides another one's name."""


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0


SUCCESS = Progress("success")


@dataclass(frozen=True)
class Shelf:
    desk: Desk
    catalogue: Catalogue

    async def pull(self, request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        wanted, stream = _required(fields), read_switch(fields, "stream")
        pulling = self._pulled(wanted)
        if not stream:
            await while_connected(request.receive, _drained(pulling))
            return _told(SUCCESS)
        # The first word of the source comes before the first byte, so that a refusal has its status.
        first = await while_connected(request.receive, anext(pulling))
        lines = _lines(first, pulling, wanted, language_of(request.headers.get("accept-language")))
        return EventStream(lines, pulling.aclose, writing_for(request))

    async def copy(self, request: Request) -> None:
        fields = Fields(decode(await request.body()))
        source, destination = fields.text("source"), fields.text("destination")
        if not source or not destination:
            raise fields.missing("destination" if source else "source")
        await self._alias(source, destination)

    async def delete(self, request: Request) -> None:
        """Files go by a model's own name only: whoever deletes another name of it means that name."""
        wanted = _required(Fields(decode(await request.body())))
        name = await self.catalogue.resolve(wanted) or wanted
        if resolved(wanted, [name], {}) is None:
            await self.desk.library.unalias(await self.catalogue.alias(wanted))
        else:
            await self.desk.library.remove(name)

    async def create(self, request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        wanted, source = _required(fields), fields.text("from")
        stream = read_switch(fields, "stream")
        for name in MADE_OF:
            if fields.take(name):
                raise Missing("ollama.create", name=name)
        if not source:
            raise fields.missing("from")
        await self._alias(source, wanted)
        return _told(SUCCESS, lines=stream)

    async def _alias(self, source: str, alias: str) -> None:
        name = await self.catalogue.resolve(source)
        await self.desk.library.alias(name or source, untagged(alias))

    async def _pulled(self, wanted: str) -> AsyncGenerator[Pulling, None]:
        """What comes of `wanted`, which means the model from then on."""
        fetching = self.desk.library.pull(source_of(wanted))
        try:
            async for pulling in fetching:
                yield pulling
                if pulling.model is not None:
                    await self._remember(wanted, pulling.model)
        finally:
            await _closed(fetching)

    async def _remember(self, wanted: str, model: str) -> None:
        """A client asks for a model by the name that it pulled it by. One that cannot be a name is left."""
        if await self.catalogue.find(wanted) != model:
            with suppress(InvalidInput, Conflict, NotFound):
                await self.desk.library.alias(model, untagged(wanted))


def router(shelf: Shelf) -> Routes:
    routes = Routes()

    @routes.post("/pull")
    async def pull(request: Request) -> Response:
        return await shelf.pull(request)

    @routes.post("/copy")
    async def copy(request: Request) -> Response:
        await shelf.copy(request)
        return Response()

    @routes.delete("/delete")
    async def delete(request: Request) -> Response:
        await shelf.delete(request)
        return Response()

    @routes.post("/create")
    async def create(request: Request) -> Response:
        return await shelf.create(request)

    @routes.post("/push")
    async def push() -> Response:
        raise Missing("ollama.push")

    @routes.post("/blobs/{digest}")
    async def put_blob(digest: str) -> Response:
        raise Missing("ollama.blobs", digest=digest[:80])

    @routes.head("/blobs/{digest}")
    async def has_blob(digest: str) -> Response:
        raise NotFound("ollama.blobs", digest=digest[:80])

    return routes


def source_of(wanted: str) -> str:
    """Ollama's name for a model of a hub as a source of ours: without the hub's address, and without `:latest`."""
    name = untagged(wanted)
    return next((name[len(prefix) :] for prefix in HUB_PREFIXES if name.startswith(prefix)), name)


def _required(fields: Fields) -> str:
    model = read_model(fields)
    if model is None:
        raise fields.missing("model")
    return model


async def _drained(pulling: AsyncGenerator[Pulling, None]) -> None:
    async with aclosing(pulling) as parts:
        async for _ in parts:
            pass


async def _lines(
    first: Pulling, pulling: AsyncGenerator[Pulling, None], wanted: str, language: Language
) -> AsyncGenerator[bytes, None]:
    named = "sha256:" + digest(wanted, 0, 0)
    yield _line(Progress("pulling manifest"))
    try:
        yield _line(_progress(first, named))
        async for part in pulling:
            yield _line(_progress(part, named))
    except SamovarError as error:
        yield _line(error_shape(outward(error), language))
        return
    yield _line(Progress("verifying sha256 digest"))
    yield _line(Progress("writing manifest"))
    yield _line(SUCCESS)


def _progress(pulling: Pulling, named: str) -> Progress:
    """Clients tell bars apart by their digest, and draw one where there is a total."""
    return Progress(f"pulling {named[7:19]}", named, pulling.total or 0, pulling.done)


def _line(line: object) -> bytes:
    return encode(line) + b"\n"


def _told(line: Progress, *, lines: bool = False) -> Response:
    return (
        Response(_line(line), media_type="application/x-ndjson")
        if lines
        else json_response(msgspec.json.encode(line))
    )


async def _closed(iterator: AsyncIterator[Pulling]) -> None:
    if isinstance(iterator, AsyncGenerator):
        await iterator.aclose()
