"""From a translated request to an answer: what stands behind every dialect.

Everything that is refused is refused before a byte is sent, with a status of its own; a client that goes away frees
its sequence.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from starlette.requests import Request

from samovar.api.answering import names, together
from samovar.api.answering.collected import Collected, collect
from samovar.api.answering.hurried import Hurried
from samovar.api.answering.running import Run, Running
from samovar.api.answering.starting import BRIEF, Starting, Unborn
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
from samovar.services.contracts import (
    Answers,
    Characters,
    Generation,
    Library,
    Models,
    Presets,
    Responses,
    Slots,
)
from samovar.services.usual import usual_sampling

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
    characters: Characters
    library: Library
    slots: Slots
    responses: Responses
    running: Running = field(default_factory=Running)

    async def whole(self, request: Request, asked: Asked) -> tuple[Collected, list[str]]:
        """The complete answer and its warnings. Raises the error tree."""
        return await while_connected(request.receive, self._whole(request, self._gone_on(request, asked)))

    async def stream(
        self,
        request: Request,
        asked: Asked,
        open_wire: OpenWire,
        writing: Writing = SSE,
        settle: Callable[[], Awaitable[None]] = _nothing,
    ) -> EventStream:
        """The answer as it grows, in the words of the wire. `settle` is awaited when the wire has translated all of
        it and its end is not yet sent. Raises the error tree before it begins. Where the model is still being
        loaded after a while, the stream begins with how far that is, if the writing can say it."""
        asked = self._gone_on(request, asked)
        starting = Starting(self._start(request, asked))
        stream = _Stream(request, asked, open_wire, settle)
        while not await starting.within(request.receive, BRIEF):
            if writing.loading is not None and self.models.loading(asked.model) is not None:
                frames = self._loading(starting, stream, writing.loading)
                return EventStream(frames, starting.cancel, writing)
        generation = starting.result()
        return EventStream(self._frames(stream, stream.open(generation)), generation.cancel, writing)

    async def count(self, request: Request, asked: Asked) -> int:
        """How many tokens the first completion's prompt has. Raises the error tree."""
        return await while_connected(request.receive, self._count(request, asked))

    async def completions(self, request: Request, asked: Asked) -> Asked:
        """`asked` with its character, its preset, its tenant and a model that there is. Raises NotFound,
        NoSuchPreset, NoSuchCharacter, OutOfRange for one that holds too much."""
        asked = await self._staged(asked)
        limits.check(asked.completions)
        await names.check(self.models, asked.model)
        completions = asked.completions
        preset = await self._preset(asked)
        if preset is not None:
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

    async def _staged(self, asked: Asked) -> Asked:
        staging = asked.staging
        if staging is None:
            return asked
        character = await self.characters.get(staging.character) if staging.character else None
        completions = tuple(staging.of(completion, character) for completion in asked.completions)
        return msgspec.structs.replace(asked, completions=completions, staging=None)

    def _gone_on(self, request: Request, asked: Asked) -> Asked:
        """`asked` with a constraint that goes on from the last answer, where it is to."""
        constraint = asked.completions[0].constraint
        if not asked.retains or constraint is None:
            return asked
        begun = self.running.gone_on(caller_of(request).tenant, asked.key, constraint)
        completions = tuple(msgspec.structs.replace(one, constraint=begun) for one in asked.completions)
        return msgspec.structs.replace(asked, completions=completions)

    async def _preset(self, asked: Asked) -> SamplingParams | None:
        """What stands under the request's own values: the preset that it names, else the model's."""
        if asked.preset is not None:
            return await self.presets.params(asked.preset)
        return await usual_sampling(self.models, self.library, self.presets, asked.model)

    async def _start(self, request: Request, asked: Asked) -> Generation:
        complete = await self.completions(request, asked)
        generation = await together.start(self.answers, complete.completions)
        return generation if asked.hurry is None else Hurried(generation, asked.hurry)

    async def _whole(self, request: Request, asked: Asked) -> tuple[Collected, list[str]]:
        generation = await self._start(request, asked)
        warnings = warnings_of(asked, generation, _language(request))
        try:
            with self.running.following(_run_of(request, asked, generation)) as run:
                collected = await collect(generation, run.note)
        finally:
            await generation.cancel()
        _note(request, generation, collected.done)
        return collected, warnings + [_sentence(note, _language(request)) for note in collected.notes]

    async def _loading(
        self, starting: Starting, stream: _Stream, say_loading: Callable[[float], bytes]
    ) -> AsyncGenerator[bytes, None]:
        """How far the load is, as long as it takes; then as `_frames`. What it ends with is said in the stream."""
        try:
            while not await starting.settled(BRIEF):
                yield say_loading(self.models.loading(stream.asked.model) or 0.0)
            opened = stream.open(starting.result())
        except SamovarError as error:
            unborn = stream.open(Unborn(stream.asked.model or ""))
            yield unborn.wire.failure(outward(error), stream.language)
            return
        async with aclosing(self._frames(stream, opened)) as frames:
            async for data in frames:
                yield data

    async def _frames(self, stream: _Stream, opened: _Opened) -> AsyncGenerator[bytes, None]:
        wire, language = opened.wire, stream.language
        with self.running.following(opened.run) as run:
            try:
                if first := wire.first():
                    yield first
                async for event in run.generation:
                    run.note(event)
                    if isinstance(event, Warned):
                        opened.warnings.append(_sentence(event.note, language))
                    data = wire.translate(event)
                    if isinstance(event, Done):
                        await stream.settle()
                    if data:
                        yield data
                    if isinstance(event, Done):
                        _note(stream.request, run.generation, event)
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


@dataclass(frozen=True)
class _Opened:
    """A stream that has a generation, or what stands for one."""

    wire: Wire
    run: Run
    warnings: list[str]


@dataclass(frozen=True)
class _Stream:
    """What is known of a stream before there is a generation."""

    request: Request
    asked: Asked
    open_wire: OpenWire
    settle: Callable[[], Awaitable[None]]

    @property
    def language(self) -> Language:
        return _language(self.request)

    def open(self, generation: Generation) -> _Opened:
        warnings = warnings_of(self.asked, generation, self.language)
        wire = self.open_wire(generation, warnings)
        return _Opened(wire, _run_of(self.request, self.asked, generation, wire), warnings)


def _run_of(request: Request, asked: Asked, generation: Generation, wire: object = None) -> Run:
    constraint = asked.completions[0].constraint
    return Run(caller_of(request).tenant, asked.key, generation, wire, constraint)


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language"))


def warnings_of(asked: Asked, generation: Generation, language: Language) -> list[str]:
    """What the asker should know before the answer: fields that nobody knows, and what was done to the prompt."""
    named = ", ".join(name[:40] for name in asked.ignored[:MOST_NAMED])
    ignored = [say("api.ignored", language, names=named)] if named else []
    return ignored + [_sentence(note, language) for note in generation.notes]


def _sentence(note: Note, language: Language) -> str:
    return say(note.key, language, **note.facts)
