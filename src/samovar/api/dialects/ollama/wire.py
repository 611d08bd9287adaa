"""The lines of Ollama's answers. Fields keep Ollama's order; what is empty or 0 is left out, as Go does it, except
where its clients read it unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from samovar.api.dialects.ollama.clock import Clock
from samovar.core.events import Done, FinishReason, Timings, TokenDetail

LEAST = -9999.0
"""JSON has no minus infinity."""

LINE_ENDS = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in "\x85\u2028\u2029")
"""What ends a line for `str.splitlines`, and JSON leaves as it is; and how JSON may write it."""

REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "cancelled": "stop",
}


class Likelihood(msgspec.Struct, frozen=True, omit_defaults=True):
    token: str
    logprob: float
    bytes: list[int] = []
    top_logprobs: list[Likelihood] = []


class Function(msgspec.Struct, frozen=True):
    index: int
    name: str
    arguments: dict[str, object]


class CallOut(msgspec.Struct, frozen=True):
    id: str
    function: Function


class MessageOut(msgspec.Struct, frozen=True, omit_defaults=True):
    role: str
    content: str
    thinking: str = ""
    tool_calls: list[CallOut] = []


class Said(msgspec.Struct, frozen=True):
    """What one line tells, or a whole answer."""

    text: str = ""
    thinking: str = ""
    calls: list[CallOut] = []
    logprobs: list[Likelihood] = []


class Ending(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an answer ended, and what it took: nanoseconds, and tokens. `timings` and `warnings` are ours."""

    done_reason: str
    context: list[int] = []
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0
    timings: Timings | None = None
    warnings: list[str] = []


class Form(Protocol):
    """How one endpoint words a line."""

    def __call__(self, model: str, at: str, said: Said, /, *, done: bool) -> object: ...


class GenerateLine(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str
    created_at: str
    response: str
    done: bool
    thinking: str = ""
    tool_calls: list[CallOut] = []
    logprobs: list[Likelihood] = []


class ChatLine(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str
    created_at: str
    message: MessageOut
    done: bool
    logprobs: list[Likelihood] = []


def generate_line(model: str, at: str, said: Said, /, *, done: bool) -> GenerateLine:
    return GenerateLine(model, at, said.text, done, said.thinking, said.calls, said.logprobs)


def chat_line(model: str, at: str, said: Said, /, *, done: bool) -> ChatLine:
    return ChatLine(model, at, MessageOut("assistant", said.text, said.thinking, said.calls), done, said.logprobs)


def encode(line: object, ending: Ending | None = None) -> bytes:
    """The line as JSON, without its line break; the fields of the ending behind its own. Nothing inside it ends a
    line for anybody: Python's clients cut at more than line feeds."""
    body = msgspec.json.encode(line)
    if ending is not None:
        body = body[:-1] + b"," + msgspec.json.encode(ending)[1:]
    for raw, escaped in LINE_ENDS:
        if raw in body:
            body = body.replace(raw, escaped)
    return body


def ending_of(reason: FinishReason, done: Done, clock: Clock, context: list[int], warnings: list[str]) -> Ending:
    """Loading is what was neither reading nor answering: the wait for others is in it."""
    total, usage, timings = clock.elapsed, done.usage, done.timings
    read, answered = _nanoseconds(timings.prompt_ms), _nanoseconds(timings.predicted_ms)
    return Ending(
        done_reason=REASONS[reason],
        context=context,
        total_duration=total,
        load_duration=max(0, total - read - answered),
        prompt_eval_count=usage.prompt_tokens,
        prompt_eval_duration=read,
        eval_count=usage.completion_tokens,
        eval_duration=answered,
        timings=timings,
        warnings=warnings,
    )


def likelihoods(tokens: Sequence[TokenDetail]) -> list[Likelihood]:
    return [
        Likelihood(
            _text(token.piece),
            _logprob(token.logprob),
            list(token.piece),
            [Likelihood(_text(other.piece), _logprob(other.logprob), list(other.piece)) for other in token.top],
        )
        for token in tokens
    ]


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def _logprob(value: float | None) -> float:
    return value if value is not None and value > LEAST else LEAST


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
