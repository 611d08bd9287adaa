"""A model whose words a test speaks, and a tab that watches: the two ends of a chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from samovar.core.errors import SamovarError
from samovar.core.events import (
    Accepted,
    Call,
    Delta,
    Done,
    Event,
    Failed,
    Finish,
    FinishReason,
    PromptProgress,
    Thought,
    Timings,
)
from samovar.core.events import Usage as Tokens
from samovar.core.requests import Completion, Message, Part
from samovar.services.chats import (
    Appended,
    Changed,
    ChatEvent,
    InWindow,
    Mused,
    Reading,
    Shown,
    Slid,
    Titled,
    Whole,
)
from samovar.services.contracts import Measured, RenderedPrompt
from samovar.store.values import StoredMessage

DONE = Done(Tokens(20, 8, 5), Timings(prompt_n=12, prompt_ms=30.0, predicted_n=5, predicted_ms=50.0, cache_n=8))


@dataclass
class Speech:
    """A `Generation` that says what a test tells it to, when it tells it."""

    completion: Completion
    model: str = "tiny"
    accepted: Accepted = field(default_factory=lambda: Accepted(20, 1))
    cancelled: bool = False
    _events: asyncio.Queue[Event | Exception] = field(default_factory=asyncio.Queue)

    def say(self, *texts: str) -> None:
        for text in texts:
            self._events.put_nowait(Delta(0, text))

    def think(self, *texts: str) -> None:
        for text in texts:
            self._events.put_nowait(Thought(0, text))

    def call(self, name: str, arguments: str) -> None:
        self._events.put_nowait(Call(0, 0, "id", name, arguments))

    def read(self, done: int, total: int = 20) -> None:
        self._events.put_nowait(PromptProgress(done, total, 8))

    def end(self, reason: FinishReason = "stop") -> None:
        self._events.put_nowait(Finish(0, reason))
        self._events.put_nowait(DONE)

    def fail(self, error: SamovarError) -> None:
        self._events.put_nowait(Failed(error.value()))

    def crash(self, fault: Exception) -> None:
        self._events.put_nowait(fault)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            if isinstance(event, Exception):
                raise event
            yield event
            if isinstance(event, Done | Failed):
                return

    async def cancel(self) -> None:
        if not self.cancelled:
            self.cancelled = True
            self.end("cancelled")


@dataclass
class ScriptedAnswers:
    """`Answers`: each request becomes a `Speech`, unless it is refused or held."""

    refusal: Exception | None = None
    held: bool = False
    window: int = 100_000
    _speeches: asyncio.Queue[Speech] = field(default_factory=asyncio.Queue)

    async def start(self, completion: Completion) -> Speech:
        speech = Speech(completion)
        self._speeches.put_nowait(speech)
        if self.held:
            await asyncio.Event().wait()
        if self.refusal is not None:
            raise self.refusal
        return speech

    async def speech(self) -> Speech:
        """The next request that was made."""
        return await self._speeches.get()

    async def measure(self, messages: Sequence[Message]) -> Measured:
        return measured(messages, self.window)

    async def render(self, completion: Completion) -> RenderedPrompt:
        parts = tuple(Part(f"<{m.role}>{m.content}", special=False) for m in completion.messages)
        mark = "<go on>" if completion.continue_last else "<assistant>"
        return RenderedPrompt((*parts, Part(mark, special=True)), tuple(range(len(parts) + 1)))


def measured(messages: Sequence[Message], window: int) -> Measured:
    """A word is a token, and its role is one."""
    return Measured(window, 1, tuple(1 + len(message.content.split()) for message in messages))


@dataclass
class ScriptedIdle:
    """`Idle` that remembers: `window` is that of the model that is ready, None while none is."""

    window: int | None = None
    pins: list[tuple[str, ...]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    warmed: list[Speech] = field(default_factory=list)
    _warming: asyncio.Queue[Speech] = field(default_factory=asyncio.Queue)
    _loads: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    async def measure(self, messages: Sequence[Message]) -> Measured | None:
        return None if self.window is None else measured(messages, self.window)

    async def warm(self, completion: Completion) -> Speech | None:
        if self.window is None:
            return None
        speech = Speech(completion)
        self.warmed.append(speech)
        self._warming.put_nowait(speech)
        return speech

    async def warming(self) -> Speech:
        """The next prompt that is read ahead."""
        return await self._warming.get()

    def pin(self, sessions: tuple[str, ...]) -> None:
        self.pins.append(sessions)

    async def forget(self, session: str) -> None:
        self.forgotten.append(session)

    def load(self, window: int) -> None:
        self.window = window
        self._loads.put_nowait(None)

    async def loads(self) -> AsyncIterator[None]:
        while True:
            yield await self._loads.get()


class Tab:
    """A page: applies events as the law says, and remembers them."""

    def __init__(self, events: AsyncGenerator[ChatEvent, None]) -> None:
        self._events = events
        self.seen: list[ChatEvent] = []
        self.messages: dict[str, StoredMessage] = {}
        self.texts: dict[str, str] = {}
        self.thoughts: dict[str, str] = {}
        self.current: str | None = None
        self.title = ""
        self.window: InWindow | None = None

    async def step(self) -> ChatEvent:
        event = await anext(self._events)
        self.seen.append(event)
        self._apply(event)
        return event

    def _apply(self, event: ChatEvent) -> None:
        match event:
            case Whole(tree, window):
                self.window = window
                self.messages = {m.id: m for m in tree.messages}
                self.texts = {m.id: m.content for m in tree.messages}
                self.thoughts = {m.id: m.thoughts for m in tree.messages}
                self.current, self.title = tree.conversation.current, tree.conversation.title
            case Changed(message):
                self.messages[message.id] = message
                self.texts[message.id] = message.content
                self.thoughts[message.id] = message.thoughts
            case Appended(id, text, offset):
                self._append(self.texts, id, text, offset)
            case Mused(id, text, offset):
                self._append(self.thoughts, id, text, offset)
            case Shown(current):
                self.current = current
            case Slid(window):
                self.window = window
            case Titled(title):
                self.title = title
            case Reading():
                pass

    @staticmethod
    def _append(texts: dict[str, str], id: str, text: str, offset: int) -> None:
        known = texts[id]
        assert offset <= len(known), "a gap: this tab has missed a delta"
        if offset == len(known):
            texts[id] = known + text
        else:
            assert known[offset : offset + len(text)] == text

    async def until(self, ready: Callable[[Tab], bool]) -> Tab:
        while not ready(self):
            await self.step()
        return self

    async def until_text(self, id: str, text: str) -> Tab:
        return await self.until(lambda tab: tab.texts.get(id) == text)

    async def until_ended(self, id: str) -> StoredMessage:
        await self.until(lambda tab: id in tab.messages and tab.messages[id].state != "streaming")
        return self.messages[id]

    async def close(self) -> None:
        await self._events.aclose()
