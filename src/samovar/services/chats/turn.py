"""A turn: one answer while it is being written.

A turn belongs to the service, not to a connection: it goes on when every page is closed. It owns the text from the
model's first word until its end is in the store, and it always ends in a state other than `streaming`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from samovar.core.errors import EngineFailed, ErrorValue, SamovarError, StorageFailed, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, FinishReason, PromptProgress, Thought
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, Message
from samovar.services.chats.events import Appended, Changed, ChatEvent, Looping, Mused, Reading
from samovar.services.chats.growing import Growing
from samovar.services.chats.lookout import Lookout
from samovar.services.chats.window import fit
from samovar.services.contracts import Answers, Generation
from samovar.services.presets.params import laid_over, params_of
from samovar.store.conversations import Conversations
from samovar.store.values import Loop, Prompt, Sampling, Stats, StoredMessage

log = logging.getLogger("samovar.chats")

SAVE_SECONDS = 0.4
"""Between two saves of a text that grows: the law says at least twice a second."""

RETRY_SECONDS = 1.0
"""Between two attempts to save an answer that the store has refused."""

UNEXPECTED = ErrorValue("EngineFailed", "chats.unexpected")


Usual = Callable[[], Awaitable[SamplingParams | None]]
"""What stands under a conversation's own sampling now; None: the product's defaults."""


@dataclass(frozen=True)
class Surroundings:
    """What turns need. `clock` in seconds, from any start; `pause` waits for seconds."""

    store: Conversations
    answers: Answers
    usual: Usual
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]


class Turn:
    """Starts at once. `publish` gets the events; `leave` is called when the store has the end of the answer."""

    def __init__(
        self,
        answer: StoredMessage,
        surroundings: Surroundings,
        publish: Callable[[ChatEvent], None],
        leave: Callable[[Turn], None],
    ) -> None:
        self.message = answer
        self._reading: Reading | None = None
        self._lookout = self._inner = Lookout()
        self._around = surroundings
        self._publish = publish
        self._leave = leave
        self._said = Growing(answer.content)
        self._mused = Growing(answer.thoughts)
        self._started = surroundings.clock()
        self._first_token: float | None = None
        self._generation: Generation | None = None
        self._wish: Literal["stopped", "interrupted"] | None = None
        self._unsaved: StorageFailed | None = None
        self._closing = False
        self._grown = asyncio.Event()
        self._settled = asyncio.Event()
        self._work = asyncio.create_task(self._write())
        self._life = asyncio.create_task(self._live())

    def current(self) -> StoredMessage:
        """The answer as far as it is written."""
        content, thoughts = self._said.text(), self._mused.text()
        # Most who ask come while nothing was added.
        if content is not self.message.content or thoughts is not self.message.thoughts:
            self.message = msgspec.structs.replace(self.message, content=content, thoughts=thoughts)
        return self.message

    @property
    def situation(self) -> tuple[ChatEvent, ...]:
        """What somebody who comes now should know beyond the text."""
        loop = self._loop
        events = (self._reading, self._looping(loop) if loop else None)
        return tuple(event for event in events if event is not None)

    async def stop(self) -> None:
        """Ends the answer as `stopped`, its text kept, and returns when that is saved (or cannot be)."""
        await self._ask_to_end("stopped")
        await self._settled.wait()

    async def close(self) -> None:
        """Ends the answer as `interrupted` without waiting for the model, and saves it."""
        self._closing = True
        self._wish = self._wish or "interrupted"
        self._work.cancel()
        await self._life

    async def _ask_to_end(self, state: Literal["stopped", "interrupted"]) -> None:
        self._wish = self._wish or state
        if self._generation is None:
            self._work.cancel()
        else:
            await self._generation.cancel()

    async def _live(self) -> None:
        saver = asyncio.create_task(self._save_often())
        await asyncio.wait((self._work,))
        saver.cancel()
        await asyncio.wait((saver,))
        await self._settle(self._ending())

    async def _write(self) -> StoredMessage:
        """Asks the model and takes what it says; returns the finished answer. Raises the error tree."""
        prompt = await self._around.store.prompt(self.message.id)
        messages = await fit(self._around.answers, prompt.messages)
        self._generation = await self._around.answers.start(
            Completion(
                messages=messages,
                continue_last=prompt.unfinished,
                sampling=await self._sampling(prompt.sampling),
                reads=True,
                session=self.message.conversation,
            )
        )
        self._lookout = await asyncio.to_thread(Lookout, prompt)
        self._inner = await asyncio.to_thread(Lookout, _inward(self.message.thoughts))
        self._tell_of(self._loop)
        self.message = msgspec.structs.replace(self.current(), model=self._generation.model)
        reason: FinishReason | None = None
        stats: Stats | None = None
        async for event in self._generation:
            self._take(event)
            if isinstance(event, Finish):
                reason = event.reason
            elif isinstance(event, Done):
                stats = self._stats(event)
        if reason is None:
            raise EngineFailed("chats.broken_off")
        state = "done" if reason != "cancelled" else self._wish or "interrupted"
        return msgspec.structs.replace(self.current(), state=state, stats=stats)

    async def _sampling(self, kept: Sampling | None) -> SamplingParams:
        """What the conversation says, over what is usual for the model, which is loaded by now. A preset that was
        chosen for the conversation says everything."""
        params = await asyncio.to_thread(params_of, kept)
        usual = await self._around.usual() if kept is None or kept.preset is None else None
        return laid_over(usual, params) if usual else params

    def _take(self, event: Event) -> None:
        if isinstance(event, Failed):
            raise revive(event.error)
        if isinstance(event, PromptProgress):
            self._reading = Reading(self.message.id, event.done, event.total, event.cached)
            self._publish(self._reading)
        elif isinstance(event, Thought) and event.text:
            self._grow()
            self._publish(Mused(self.message.id, event.text, self._mused.add(event.text)))
            self._look(self._inner, event.text)
        elif isinstance(event, Delta) and event.text:
            self._say(event.text)
        elif isinstance(event, Call):
            # Nobody here was asked to call anything: what the model wrote is part of its answer.
            self._say(f"{event.name} {event.arguments}".lstrip())
        elif isinstance(event, Finish) and event.reason != "cancelled" and self._loop is None:
            self._tell_of(self._lookout.end())

    def _say(self, text: str) -> None:
        self._grow()
        self._publish(Appended(self.message.id, text, self._said.add(text)))
        self._look(self._lookout, text)

    def _grow(self) -> None:
        if self._first_token is None:
            self._first_token = self._around.clock()
            self._reading = None
        self._grown.set()

    @property
    def _loop(self) -> Loop | None:
        return self._lookout.found or self._inner.found

    def _look(self, lookout: Lookout, text: str) -> None:
        if self._loop is None:
            self._tell_of(lookout.read(text))

    def _tell_of(self, loop: Loop | None) -> None:
        if loop is not None:
            self._publish(self._looping(loop))

    def _looping(self, loop: Loop) -> Looping:
        return Looping(self.message.id, loop.kind, loop.times, loop.text)

    def _stats(self, done: Done) -> Stats:
        spoke, timings = self._first_token, done.timings
        return Stats(
            prompt_tokens=done.usage.prompt_tokens,
            cached_tokens=done.usage.cached_tokens,
            completion_tokens=done.usage.completion_tokens,
            first_token_ms=0.0 if spoke is None else (spoke - self._started) * 1000,
            tokens_per_second=timings.predicted_n / timings.predicted_ms * 1000
            if timings.predicted_ms > 0
            else 0.0,
            guessed=timings.draft_n,
            came_true=timings.draft_n_accepted,
            loop=self._loop,
        )

    def _ending(self) -> StoredMessage:
        """The answer as it is to be kept, now that the writing has ended in whatever way."""
        if self._work.cancelled():
            return msgspec.structs.replace(self.current(), state=self._wish or "interrupted")
        fault = self._unsaved or self._work.exception()
        if fault is None:
            return self._work.result()
        if not isinstance(fault, SamovarError):
            log.error("a turn failed", exc_info=fault)
        error = fault.value() if isinstance(fault, SamovarError) else UNEXPECTED
        return msgspec.structs.replace(self.current(), state="failed", error=error)

    async def _save_often(self) -> None:
        while True:
            await self._grown.wait()
            self._grown.clear()
            try:
                message = self.current()
                await self._around.store.write(message.id, message.content, message.thoughts)
            except StorageFailed as error:
                self._unsaved = error
                await self._ask_to_end("interrupted")
                return
            await self._around.pause(SAVE_SECONDS)

    async def _settle(self, ending: StoredMessage) -> None:
        """Saves the end. Where the store refuses, people are told at once, and the text stays here, in memory,
        until there is room for it or the server ends."""
        self.message = ending
        while not await self._finish():
            if self._closing:
                return
            await self._around.pause(RETRY_SECONDS)
        self._leave(self)
        self._tell()

    async def _finish(self) -> bool:
        try:
            await self._around.store.finish(self.message)
        except StorageFailed as error:
            if not self._settled.is_set():
                self.message = msgspec.structs.replace(self.message, state="failed", error=error.value())
                self._tell()
            return False
        return True

    def _tell(self) -> None:
        self._publish(Changed(self.message))
        self._settled.set()


def _inward(thoughts: str) -> Prompt:
    """Thoughts are held against themselves alone: what is said may well repeat them."""
    return Prompt((Message("assistant", thoughts),), unfinished=True)
