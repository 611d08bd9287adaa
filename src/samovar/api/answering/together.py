"""Several generations as one, for a completion that asks several prompts at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import msgspec

from samovar.core.engine import Note
from samovar.core.events import (
    Accepted,
    Call,
    Delta,
    Done,
    Event,
    Failed,
    Finish,
    PromptTokens,
    Thought,
    Timings,
    Usage,
)
from samovar.core.requests import Completion
from samovar.services.contracts import Answers, Generation

# Enough that a slow client does not stop its neighbours' prompts, little enough to be felt as backpressure.
AHEAD = 64


async def start(answers: Answers, completions: Sequence[Completion]) -> Generation:
    """Starts all; where one is refused, the others are cancelled and its error is raised."""
    started: list[Generation] = []
    try:
        for completion in completions:
            started.append(await answers.start(completion))
    except BaseException:
        for generation in started:
            await generation.cancel()
        raise
    return started[0] if len(started) == 1 else Together(started, completions[0].n)


class Together:
    """Choice i of the k-th generation is choice k·n + i; one Done with the sums; the first Failed ends it."""

    def __init__(self, generations: Sequence[Generation], n: int) -> None:
        self._generations = generations
        self._n = n

    @property
    def model(self) -> str:
        return self._generations[0].model

    @property
    def accepted(self) -> Accepted:
        first = self._generations[0].accepted
        return Accepted(sum(generation.accepted.prompt_tokens for generation in self._generations), first.seed)

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(dict.fromkeys(note for generation in self._generations for note in generation.notes))

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._merged()

    async def cancel(self) -> None:
        for generation in self._generations:
            await generation.cancel()

    async def _merged(self) -> AsyncGenerator[Event, None]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue(AHEAD)
        readers = [
            asyncio.ensure_future(self._read(generation, k * self._n, queue))
            for k, generation in enumerate(self._generations)
        ]
        finished: list[Done] = []
        ended = 0
        try:
            while ended < len(readers):
                event = await queue.get()
                if event is None:
                    ended += 1
                elif isinstance(event, Done):
                    finished.append(event)
                else:
                    yield event
                    if isinstance(event, Failed):
                        return
            for reader in readers:
                reader.result()
            if len(finished) == len(readers):
                yield _sum(finished)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, generation: Generation, offset: int, queue: asyncio.Queue[Event | None]) -> None:
        try:
            async for event in generation:
                await queue.put(_moved(event, offset))
        finally:
            await queue.put(None)


def _moved(event: Event, offset: int) -> Event:
    if isinstance(event, PromptTokens | Delta | Thought | Call | Finish):
        return msgspec.structs.replace(event, index=event.index + offset)
    return event


def _sum(finished: Sequence[Done]) -> Done:
    usages = [msgspec.structs.astuple(done.usage) for done in finished]
    timings = [msgspec.structs.astuple(done.timings) for done in finished]
    return Done(Usage(*map(sum, zip(*usages, strict=True))), Timings(*map(sum, zip(*timings, strict=True))))
