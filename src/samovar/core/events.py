"""What comes back while a model answers. A stream is: Accepted, PromptProgress*, PromptTokens?, (Delta | Thought |
Call | Warned)*, Finish per choice, Done; or Failed at any point, which ends it. Pure values: they cross the
worker's socket as msgpack."""

from __future__ import annotations

from typing import Literal

import msgspec

from samovar.core.engine import Note
from samovar.core.errors import ErrorValue

FinishReason = Literal["stop", "length", "tool_calls", "cancelled"]


class Alternative(msgspec.Struct, frozen=True, array_like=True):
    """A token that could have stood here. `piece` is its bytes: not always whole UTF-8 characters."""

    id: int
    piece: bytes
    logprob: float


class TokenDetail(msgspec.Struct, frozen=True, array_like=True):
    """A drawn token. `logprob` (natural log, of the model's own distribution) where the request wanted it."""

    id: int
    piece: bytes
    logprob: float | None = None
    top: tuple[Alternative, ...] = ()


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The prompt was tokenised and queued."""

    prompt_tokens: int
    seed: int


class PromptProgress(msgspec.Struct, frozen=True, tag="progress"):
    """`done` of `total` prompt tokens are in the KV cache; `cached` of them were there before."""

    done: int
    total: int
    cached: int


class PromptTokens(msgspec.Struct, frozen=True, tag="prompt"):
    """The prompt's tokens with their log-probabilities, in order; the first one's is None. Where they were asked
    for. Control tokens have their text as bytes. `index`: the first of the choices that answer this prompt."""

    tokens: tuple[TokenDetail, ...]
    index: int = 0


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """New text of choice `index` ("" while it is held back as a possible stop string), and its tokens."""

    index: int
    text: str
    tokens: tuple[TokenDetail, ...] = ()


class Thought(msgspec.Struct, frozen=True, tag="thought"):
    """New text of what choice `index` thinks before it answers, and its tokens."""

    index: int
    text: str
    tokens: tuple[TokenDetail, ...] = ()


class Call(msgspec.Struct, frozen=True, tag="call"):
    """More of the `call`-th tool call of choice `index`: `id` and `name` come with its first piece and are "" in
    the others; the pieces of `arguments` joined are its JSON text."""

    index: int
    call: int
    id: str
    name: str
    arguments: str
    tokens: tuple[TokenDetail, ...] = ()


class Warned(msgspec.Struct, frozen=True, tag="warned"):
    """Something that the asker should know about the answer, and no reason to end it."""

    note: Note


class Stage(msgspec.Struct, frozen=True, array_like=True):
    """The next token's distribution after `step` of the chain ("" before the first): how many tokens may still be
    drawn, and the likeliest with their log-probabilities, best first."""

    step: str
    survivors: int
    top: tuple[Alternative, ...]


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """What each step of the chain did to the next token's distribution, in order; no token was drawn."""

    stages: tuple[Stage, ...]


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """Choice `index` ended; `stop` is the stop string that ended it, where one did."""

    index: int
    reason: FinishReason
    stop: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens, over all choices. `reasoning_tokens` of the `completion_tokens` were thought, not said."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int = 0


class Timings(msgspec.Struct, frozen=True, omit_defaults=True):
    """As llama.cpp's server reports them: counts of tokens computed (not cached), milliseconds. `draft_n` tokens
    were guessed and verified, `draft_n_accepted` of them came true; left out where nothing was guessed. Of the
    `cache_n` tokens that were cached, `cache_n_approximate` had been computed after another text; left out where
    none had."""

    prompt_n: int
    prompt_ms: float
    predicted_n: int
    predicted_ms: float
    cache_n: int
    draft_n: int = 0
    draft_n_accepted: int = 0
    cache_n_approximate: int = 0


class Done(msgspec.Struct, frozen=True, tag="done"):
    """`sequence`: which one of the engine's answered, the first choice at its end; −1 where none did."""

    usage: Usage
    timings: Timings
    sequence: int = -1


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    error: ErrorValue


Event = Accepted | PromptProgress | PromptTokens | Delta | Thought | Call | Warned | Looked | Finish | Done | Failed
