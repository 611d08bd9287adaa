"""What conversations that somebody looks at get while nothing is asked: their caches are pinned, the prompt to come
is read ahead, and who looks is told which messages the model still sees.

One job per conversation, and one for the conversation that is not there yet: a newer one takes the place of the one
before. Nothing here may fail anything: a job that
cannot be done is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from samovar.core.errors import SamovarError
from samovar.core.requests import Completion, Message
from samovar.services.chats.events import ChatEvent, InWindow, Slid
from samovar.services.chats.window import view
from samovar.services.contracts import Idle
from samovar.store.conversations import Conversations
from samovar.store.messages import said
from samovar.store.values import StoredMessage

Chat = tuple[Message, ...]

NEW = ""
"""Stands for the conversation that is not there yet."""

log = logging.getLogger("samovar.chats")


@dataclass(frozen=True)
class Eyes:
    """What the attendant sees and says: which conversations are `watched`, whether one is `busy` with an answer,
    and a way to `tell` its watchers."""

    watched: Callable[[], frozenset[str]]
    busy: Callable[[str], bool]
    tell: Callable[[str, ChatEvent], None]


class Attendant:
    """See the module's first lines. `close` ends it."""

    def __init__(self, store: Conversations, idle: Idle, eyes: Eyes) -> None:
        self._store = store
        self._idle = idle
        self._eyes = eyes
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._windows: dict[str, InWindow] = {}
        self._pinned: frozenset[str] = frozenset()
        self._first: Chat = ()
        self._closed = False
        self._following = asyncio.create_task(self._follow_loads())

    def told(self, conversation: str) -> InWindow | None:
        """What watchers were last told of the conversation's window."""
        return self._windows.get(conversation)

    def come(self, conversation: str) -> None:
        """Somebody looks at the conversation now."""
        self._pin()
        self.attend(conversation)

    def gone(self, conversation: str) -> None:
        """Somebody has stopped looking at it."""
        self._pin()
        if conversation not in self._pinned:
            self._windows.pop(conversation, None)
            self._drop(conversation)

    def attend(self, conversation: str, coming: Chat | None = None) -> None:
        """Something has changed: looks at the window again, and reads ahead the chat that is `coming`. Where none
        is known, an empty question stands for what will be asked: all that comes before it is known."""
        self._drop(conversation)
        if coming or conversation in self._pinned:
            self._begin(conversation, self._do(conversation, coming))

    def expect(self, first: Chat) -> None:
        """A conversation that is not there yet may begin with `first`, which is read ahead in place of what was
        expected before. Empty: none is expected any more."""
        self._first = first
        self._drop(NEW)
        if first:
            self._begin(NEW, self._warm(NEW, first))

    async def leave(self, conversation: str) -> None:
        """Returns when nothing is done for the conversation any more."""
        job = self._jobs.get(conversation)
        if job is not None:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)

    async def window(self, conversation: str) -> InWindow | None:
        """What the model sees of the path that is shown; None where no model is ready, or nothing would fit it."""
        return await self._window(await self._store.path(conversation))

    async def close(self) -> None:
        self._closed = True
        tasks = (self._following, *self._jobs.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, conversation: str, work: Coroutine[object, object, None]) -> None:
        if self._closed:
            work.close()
            return
        job = self._jobs[conversation] = asyncio.create_task(work)
        job.add_done_callback(lambda done: self._forget(conversation, done))

    async def _do(self, conversation: str, coming: Chat | None) -> None:
        with suppress(SamovarError):
            shown = await self._store.path(conversation)
            self._tell(conversation, await self._window(shown))
            if not self._eyes.busy(conversation):
                await self._warm(conversation, coming or _next(shown))

    async def _window(self, path: tuple[StoredMessage, ...]) -> InWindow | None:
        settled = path[:-1] if path and path[-1].state == "streaming" else path
        chat = chat_of(settled)
        try:
            measured = await self._idle.measure(chat)
            seen = view(chat, measured) if measured else None
        except SamovarError:
            return None
        if seen is None:
            return None
        return InWindow(settled[seen.first].id, seen.dropped) if seen.dropped else InWindow()

    def _tell(self, conversation: str, window: InWindow | None) -> None:
        if window is not None and window != self._windows.get(conversation) and conversation in self._pinned:
            self._windows[conversation] = window
            self._eyes.tell(conversation, Slid(window))

    async def _warm(self, conversation: str, chat: Chat) -> None:
        with suppress(SamovarError):
            await self._read(conversation, chat)

    async def _read(self, conversation: str, chat: Chat) -> None:
        measured = await self._idle.measure(chat)
        if measured is None:
            return
        prompt = view(chat, measured).messages
        generation = await self._idle.warm(Completion(messages=prompt, session=conversation, warm=True))
        if generation is None:
            return
        try:
            async for _ in generation:
                pass
        finally:
            await generation.cancel()

    async def _follow_loads(self) -> None:
        async for _ in self._idle.loads():
            for conversation in self._pinned:
                self.attend(conversation)
            self.expect(self._first)

    def _pin(self) -> None:
        watched = self._eyes.watched()
        if watched != self._pinned:
            self._pinned = watched
            self._idle.pin(tuple(sorted(watched)))

    def _drop(self, conversation: str) -> None:
        job = self._jobs.pop(conversation, None)
        if job is not None:
            job.cancel()

    def _forget(self, conversation: str, job: asyncio.Task[None]) -> None:
        if self._jobs.get(conversation) is job:
            del self._jobs[conversation]
        if not job.cancelled() and (fault := job.exception()) is not None:
            log.error("nothing could be prepared", exc_info=fault)


def chat_of(path: tuple[StoredMessage, ...]) -> Chat:
    return tuple(said(message.role, message.content, message.thoughts) for message in path)


def _next(path: tuple[StoredMessage, ...]) -> Chat:
    unanswered = bool(path) and path[-1].role == "user"
    return chat_of(path) if unanswered else (*chat_of(path), Message("user", ""))
