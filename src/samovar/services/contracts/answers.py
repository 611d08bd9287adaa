"""Asking a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from samovar.core.engine import Note
from samovar.core.events import Accepted, Event, Stage
from samovar.core.requests import Completion, Message, Part


class Embedded(msgspec.Struct, frozen=True):
    """One vector for each text, of length 1; `tokens`: how many were read."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class RenderedPrompt(msgspec.Struct, frozen=True):
    """Exactly what the model is sent: the parts, and the token ids they become. `notes`: what was done to the
    messages so that the model's template takes them."""

    parts: tuple[Part, ...]
    tokens: tuple[int, ...]
    notes: tuple[Note, ...] = ()


class Measured(msgspec.Struct, frozen=True):
    """Tokens that messages take in a prompt: `sizes`, one for each, its markup included; `fixed` for what every
    prompt has besides. The true prompt may be some tokens smaller or larger. `window`: what one request may use."""

    window: int
    fixed: int
    sizes: tuple[int, ...]


class Generation(Protocol):
    """A request that a worker has accepted. Iterate once: PromptProgress, Delta, Finish, then Done or Failed."""

    @property
    def model(self) -> str: ...

    @property
    def accepted(self) -> Accepted: ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the asker should know about the prompt that was made of the messages."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def cancel(self) -> None:
        """Frees the sequence within one step. Idempotent; the iteration then ends with a Finish of reason
        "cancelled" and Done."""
        ...


class Answers(Protocol):
    """Asking the model."""

    async def start(self, completion: Completion) -> Generation:
        """Renders, queues and returns once the worker has accepted. Raises the error tree (NotFound for the model,
        PromptTooLong, Busy, EngineFailed …) before anything was streamed."""
        ...

    async def render(self, completion: Completion) -> RenderedPrompt: ...

    async def measure(self, messages: Sequence[Message]) -> Measured:
        """How much of the window the messages take. Loads the model if need be, as `start` does."""
        ...

    async def embed(
        self,
        texts: Sequence[str | tuple[int, ...]],
        model: str | None = None,
        *,
        truncate: bool = False,
        keep_alive: float | None = None,
    ) -> Embedded:
        """Vectors of texts or token ids. Raises as `start` does; Missing where the model cannot, InvalidInput for
        an empty text, PromptTooLong for one that is longer than the window, unless its beginning is enough
        (`truncate`). `keep_alive`: as in Completion."""
        ...

    async def next_token(self, completion: Completion, count: int) -> tuple[Stage, ...]:
        """What each step of the chain does to the next token's distribution, with the `count` likeliest tokens."""
        ...

    async def tokenize(
        self, text: str, *, special: bool, bos: bool = False, model: str | None = None
    ) -> tuple[int, ...]:
        """The ids of the tokens of `text`; with `special`, control tokens' texts become those; with `bos` the
        begin-of-sequence token comes first, where the model has one."""
        ...

    async def detokenize(self, tokens: tuple[int, ...], model: str | None = None) -> tuple[tuple[int, bytes], ...]:
        """(id, bytes) of each of `tokens` that the vocabulary has."""
        ...
