"""What the store keeps, as values. A message's id is the store's; what a message says is core's business."""

from __future__ import annotations

from typing import Literal

import msgspec

from samovar.core.errors import ErrorValue
from samovar.core.requests import Message

State = Literal["done", "streaming", "stopped", "interrupted", "failed"]
"""`streaming` while an answer is being written; the others are ways in which it ended."""


class Loop(msgspec.Struct, frozen=True):
    """A loop that an answer was seen to be in: `text` has been said `times` times. `kind`: see prompts.loops."""

    kind: Literal["cycle", "repeat", "echo"]
    times: int
    text: str


class Stats(msgspec.Struct, frozen=True):
    """What the last run of the model for an answer took. Time and rate are 0 where it said nothing. `guessed`
    tokens were verified ahead, `came_true` of them were right."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    first_token_ms: float = 0.0
    tokens_per_second: float = 0.0
    guessed: int = 0
    came_true: int = 0
    loop: Loop | None = None


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a conversation's tree. `parent` None: a root. Times are Unix seconds.

    `asked`: the number of the conversation's last edit when the model was asked for this answer; `given`: how many
    characters of the answer stood in that prompt already (see the laws in `conversations`). `thoughts`: what an
    answer's model thought before it said `content`; `mused`: as `given`, of the thoughts.
    """

    id: str
    conversation: str
    parent: str | None
    role: str
    content: str
    state: State
    created: float
    model: str | None = None
    error: ErrorValue | None = None
    stats: Stats | None = None
    asked: int | None = None
    given: int = 0
    thoughts: str = ""
    mused: int = 0


class Sampling(msgspec.Struct, frozen=True):
    """How a conversation's answers are drawn, as plain JSON that whoever reads it checks: `values` by parameter
    name, the `order` of the steps (empty: the default), and the `preset` they were taken from."""

    values: dict[str, object] = {}
    order: tuple[str, ...] = ()
    preset: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation without its messages. `current`: the leaf that is shown. `title` "": none yet.
    `sampling` None: the product's defaults."""

    id: str
    title: str
    created: float
    updated: float
    current: str | None
    sampling: Sampling | None = None


class Tree(msgspec.Struct, frozen=True):
    """A conversation with all its messages, oldest first: a parent stands before its children."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]


class Asked(msgspec.Struct, frozen=True):
    """A user message that was just stored, and the empty answer under it."""

    conversation: Conversation
    message: StoredMessage
    answer: StoredMessage


class Prompt(msgspec.Struct, frozen=True):
    """A chat for the model; with `unfinished` its last message is an answer to go on with. `sampling`: what the
    conversation's answers are drawn with now."""

    messages: tuple[Message, ...]
    unfinished: bool = False
    sampling: Sampling | None = None


class Listed(msgspec.Struct, frozen=True):
    """A line of the list of conversations; `snippet`: the text around what was searched for, or ""."""

    id: str
    title: str
    updated: float
    snippet: str = ""


class Breach(msgspec.Struct, frozen=True):
    """A law that `verify` found broken, and by which row."""

    law: str
    row: str
