"""One answer on the wire: a whole reply, or events with LF, which KoboldAI Lite joins blindly. Pure."""

from __future__ import annotations

import msgspec

from samovar.api.answering.collected import Choice, Collected
from samovar.api.dialects.openai.forms import ChatForm, TextForm
from samovar.api.sse import frame
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Delta, Done, Event, Failed, Finish, FinishReason, TokenDetail

EVENT = "message"

REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",
    "cancelled": "stop",
}

Logprobs = dict[str, object]


class Token(msgspec.Struct, frozen=True):
    """One event of a stream; the last one has a reason and nothing else."""

    token: str
    finish_reason: str | None = None


class LastToken(Token, frozen=True, omit_defaults=True):
    """The end. `warnings` are sentences."""

    warnings: list[str] = []


class Complaint(msgspec.Struct, frozen=True):
    message: str


class Broken(msgspec.Struct, frozen=True):
    """What ends a stream that broke. Lite appends every event's `token`."""

    error: Complaint
    token: str = ""
    finish_reason: str = "error"


class Result(msgspec.Struct, frozen=True):
    text: str
    finish_reason: str
    logprobs: Logprobs | None
    prompt_tokens: int
    completion_tokens: int
    tool_calls: tuple[()] = ()


class Results(msgspec.Struct, frozen=True, omit_defaults=True):
    results: tuple[Result, ...]
    warnings: list[str] = []


class Tokens:
    """The frames of one stream. `trim_stop`: the stop sequence that ended it is left out."""

    def __init__(self, warnings: list[str], *, trim_stop: bool) -> None:
        self._warnings = warnings
        self._trim_stop = trim_stop

    def first(self) -> bytes:
        return b""

    def translate(self, event: Event) -> bytes:
        """The bytes for one event, b"" where there is nothing to send. Raises what Failed carries."""
        match event:
            case Delta(0, text) if text:
                return frame(EVENT, Token(text))
            case Finish(0, reason, stop):
                tail = frame(EVENT, Token(stop)) if stop and not self._trim_stop else b""
                return tail + frame(EVENT, LastToken("", REASONS[reason], self._warnings))
            case Failed():
                raise revive(event.error)
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        return frame("error", Broken(Complaint(error.text(language))))


def whole(collected: Collected, warnings: list[str], *, trim_stop: bool) -> Results:
    """The complete answer. The log-probabilities are there where they were asked for."""
    done = collected.done
    return Results(tuple(_result(choice, done, trim_stop=trim_stop) for choice in collected.choices[:1]), warnings)


def _result(choice: Choice, done: Done, *, trim_stop: bool) -> Result:
    text = choice.text + ("" if trim_stop else choice.stop or "")
    wanted = any(token.logprob is not None for token in choice.tokens)
    return Result(
        text,
        REASONS[choice.reason],
        logprobs_of(choice.tokens) if wanted else None,
        done.usage.prompt_tokens,
        done.usage.completion_tokens,
    )


def logprobs_of(tokens: list[TokenDetail]) -> Logprobs:
    """OpenAI's two shapes in one object, as koboldcpp has them: `content` of a chat, the lists of a completion."""
    choice = Choice(0, tokens=tokens)
    chat, text = ChatForm(logprobs=True).whole(choice).logprobs, TextForm(logprobs=True).whole(choice).logprobs
    joined: Logprobs = {**msgspec.to_builtins(chat), **msgspec.to_builtins(text)}
    joined.pop("refusal")
    return joined
