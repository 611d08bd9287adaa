"""From a translated request to an answer: what stands behind every dialect.

Everything that is refused is refused before a byte is sent, with a status of its own; a client that goes away frees
its sequence.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from starlette.requests import Request

from samovar.api.answering import names, together
from samovar.api.answering.collected import Collected, collect
from samovar.api.answering.hurried import Hurried
from samovar.api.answering.running import Run, Running
from samovar.api.caller import caller_of
from samovar.api.errors import Unexpected, outward
from samovar.api.journal import tell
from samovar.api.reading import limits
from samovar.api.reading.asked import Asked, with_preset
from samovar.api.sse import SSE, EventStream, Writing, while_connected
from samovar.core.catalogue import Language, language_of, say
from samovar.core.engine import Note
from samovar.core.errors import EngineFailed, SamovarError
from samovar.core.events import Done, Event, Warned
from samovar.core.parameters import SamplingParams
from samovar.services.contracts import Answers, Generation, Library, Models, Presets, Responses, Slots

log = logging.getLogger("samovar.api")

MOST_NAMED = 100


class Wire(Protocol):
    """How one dialect writes one stream. Pure: events in, bytes out, b"" where there is nothing to say."""

    def first(self) -> bytes:
        """What is sent before anything was computed."""
        ...

    def translate(self, event: Event) -> bytes:
        """Raises what Failed carries."""
        ...

    def failure(self, error: SamovarError, language: Language) -> bytes:
        """What ends a stream that broke in the middle."""
        ...


class OpenWire(Protocol):
    """Makes the wire of one stream. `warnings` are sentences; what is warned of while the answer grows joins them
    before the wire is given the event."""

    def __call__(self, generation: Generation, warnings: list[str], /) -> Wire: ...


async def _nothing() -> None: ...


@dataclass(frozen=True)
class Desk:
    """What a dialect's routes ask. One for the whole app."""

    answers: Answers
    models: Models
    presets: Presets
    library: Library
    slots: Slots
    responses: Responses
    running: Running = field(default_factory=Running)

    async def whole(self, request: Request, asked: Asked) -> tuple[Collected, list[str]]:
        """The complete answer and its warnings. Raises the error tree."""
        return await while_connected(request.receive, self._whole(request, asked))

    async def stream(
        self,
        request: Request,
        asked: Asked,
        open_wire: OpenWire,
        writing: Writing = SSE,
        settle: Callable[[], Awaitable[None]] = _nothing,
    ) -> EventStream:
        """The answer as it grows, in the words of the wire. `settle` is awaited when the wire has translated all of
        it and its end is not yet sent. Raises the error tree before it begins."""
        generation = await while_connected(request.receive, self._start(request, asked))
        language = _language(request)
        warnings = warnings_of(asked, generation, language)
        wire = open_wire(generation, warnings)
        run = Run(caller_of(request).tenant, asked.key, generation, wire)
        frames = self._frames(request, wire, run, warnings, language, settle)
        return EventStream(frames, generation.cancel, writing)

    async def count(self, request: Request, asked: Asked) -> int:
        """How many tokens the first completion's prompt has. Raises the error tree."""
        return await while_connected(request.receive, self._count(request, asked))

    async def completions(self, request: Request, asked: Asked) -> Asked:
        """`asked` with its preset, its tenant and a model that there is. Raises NotFound, NoSuchPreset, OutOfRange
        for one that holds too much."""
        limits.check(asked.completions)
        await names.check(self.models, asked.model)
        completions = asked.completions
        if asked.preset is not None:
            preset = await self.presets.params(asked.preset)
            completions = tuple(with_preset(completion, preset) for completion in completions)
        if asked.defaults:
            usual = SamplingParams(dict(asked.defaults))
            completions = tuple(with_preset(completion, usual) for completion in completions)
        tenant = caller_of(request).tenant
        owned = tuple(msgspec.structs.replace(completion, tenant=tenant) for completion in completions)
        return msgspec.structs.replace(asked, completions=owned)

    async def _count(self, request: Request, asked: Asked) -> int:
        complete = await self.completions(request, asked)
        return len((await self.answers.render(complete.completions[0])).tokens)

    async def _start(self, request: Request, asked: Asked) -> Generation:
        complete = await self.completions(request, asked)
        generation = await together.start(self.answers, complete.completions)
        return generation if asked.hurry is None else Hurried(generation, asked.hurry)

    async def _whole(self, request: Request, asked: Asked) -> tuple[Collected, list[str]]:
        generation = await self._start(request, asked)
        warnings = warnings_of(asked, generation, _language(request))
        try:
            with self.running.following(Run(caller_of(request).tenant, asked.key, generation)) as run:
                collected = await collect(generation, run.note)
        finally:
            await generation.cancel()
        _note(request, generation, collected.done)
        return collected, warnings + [_sentence(note, _language(request)) for note in collected.notes]

    async def _frames(
        self,
        request: Request,
        wire: Wire,
        run: Run,
        warnings: list[str],
        language: Language,
        settle: Callable[[], Awaitable[None]],
    ) -> AsyncGenerator[bytes, None]:
        with self.running.following(run):
            try:
                if opened := wire.first():
                    yield opened
                async for event in run.generation:
                    run.note(event)
                    if isinstance(event, Warned):
                        warnings.append(_sentence(event.note, language))
                    data = wire.translate(event)
                    if isinstance(event, Done):
                        await settle()
                    if data:
                        yield data
                    if isinstance(event, Done):
                        _note(request, run.generation, event)
                        return
                raise EngineFailed("api.broken_off")
            except SamovarError as error:
                yield wire.failure(outward(error), language)
            except Exception:
                log.exception("a stream broke off")
                yield wire.failure(Unexpected("api.unexpected"), language)


def _note(request: Request, generation: Generation, done: Done) -> None:
    """What the answer took, for the request's line in the log."""
    tell(
        request,
        model=generation.model,
        prompt_tokens=done.usage.prompt_tokens,
        cached_tokens=done.usage.cached_tokens,
        completion_tokens=done.usage.completion_tokens,
    )


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language"))


def warnings_of(asked: Asked, generation: Generation, language: Language) -> list[str]:
    """What the asker should know before the answer: fields that nobody knows, and what was done to the prompt."""
    named = ", ".join(name[:40] for name in asked.ignored[:MOST_NAMED])
    ignored = [say("api.ignored", language, names=named)] if named else []
    return ignored + [_sentence(note, language) for note in generation.notes]


def _sentence(note: Note, language: Language) -> str:
    return say(note.key, language, **note.facts)
