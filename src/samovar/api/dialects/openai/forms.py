"""The two shapes an answer takes: a chat message and a text. Core events in, choices out; nothing is kept but the
text offsets that OpenAI's completion logprobs ask for. A text has neither thoughts nor calls: nobody asked the
model's words apart for it."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from msgspec import UNSET

from samovar.api.answering.collected import Choice as Complete
from samovar.api.dialects.openai.wire import (
    CallDelta,
    ChatChoice,
    ChatChunkChoice,
    ChatDelta,
    ChatLogprobs,
    ChatMessage,
    Choice,
    Function,
    FunctionDelta,
    Likelihood,
    TextChoice,
    TextLogprobs,
    TokenLikelihood,
    WireCall,
)
from samovar.core.events import Alternative, Call, Delta, FinishReason, PromptTokens, Thought, TokenDetail

# OpenAI's own stand-in for "very unlikely"; JSON has no minus infinity.
LEAST = -9999.0

REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "cancelled": "stop",
}


More = Delta | Thought | Call


class Form(Protocol):
    """How one endpoint words choices. `more` gives None where there is nothing to say yet."""

    @property
    def prefix(self) -> str: ...
    @property
    def chunk(self) -> str: ...
    @property
    def answer(self) -> str: ...

    def first(self, index: int, /) -> Choice | None: ...
    def prompt(self, prompt: PromptTokens, /) -> Sequence[Choice]: ...
    def more(self, event: More, /) -> Choice | None: ...
    def last(self, index: int, reason: FinishReason) -> Choice: ...
    def whole(self, complete: Complete, /) -> Choice: ...


class ChatForm:
    prefix = "chatcmpl-"
    chunk = "chat.completion.chunk"
    answer = "chat.completion"

    def __init__(self, *, logprobs: bool, functions: bool = False) -> None:
        """`functions`: the client speaks of functions, of which one is called at most, not of tools."""
        self._logprobs = logprobs
        self._functions = functions

    def first(self, index: int, /) -> Choice | None:
        return ChatChunkChoice(index, ChatDelta("assistant", ""))

    def prompt(self, _prompt: PromptTokens, /) -> Sequence[Choice]:
        return ()

    def more(self, event: More, /) -> Choice | None:
        likelihoods = self._likelihoods(event.tokens)
        delta = self._delta(event)
        return ChatChunkChoice(event.index, delta, likelihoods) if likelihoods or delta != ChatDelta() else None

    def last(self, index: int, reason: FinishReason) -> Choice:
        return ChatChunkChoice(index, ChatDelta(), finish_reason=self._reason(reason))

    def whole(self, complete: Complete, /) -> Choice:
        likelihoods = self._likelihoods(complete.tokens) or (ChatLogprobs([]) if self._logprobs else None)
        return ChatChoice(complete.index, self._message(complete), likelihoods, self._reason(complete.reason))

    def _delta(self, event: More) -> ChatDelta:
        match event:
            case Call(arguments=arguments):
                function = FunctionDelta(name=event.name or None, arguments=arguments)
                if self._functions:
                    return ChatDelta(function_call=function) if event.call == 0 else ChatDelta()
                kind = "function" if event.id else None
                call = CallDelta(index=event.call, id=event.id or None, type=kind, function=function)
                return ChatDelta(tool_calls=[call])
            case Thought():
                return ChatDelta(reasoning_content=event.text or None)
            case Delta():
                return ChatDelta(content=event.text or None)

    def _message(self, complete: Complete) -> ChatMessage:
        calls = [WireCall(call.id, Function(call.name, call.arguments)) for call in complete.calls]
        return ChatMessage(
            complete.text if complete.text or not calls else None,
            reasoning_content=complete.reasoning or UNSET,
            tool_calls=calls if calls and not self._functions else UNSET,
            function_call=calls[0].function if calls and self._functions else UNSET,
        )

    def _reason(self, reason: FinishReason) -> str:
        return "function_call" if self._functions and reason == "tool_calls" else REASONS[reason]

    def _likelihoods(self, tokens: Sequence[TokenDetail]) -> ChatLogprobs | None:
        if not (self._logprobs and tokens):
            return None
        return ChatLogprobs([likelihood(token) for token in tokens])


class TextForm:
    prefix = "cmpl-"
    chunk = "text_completion"
    answer = "text_completion"

    def __init__(self, *, logprobs: bool) -> None:
        self._logprobs = logprobs
        self._rulers: defaultdict[int, Ruler] = defaultdict(Ruler)

    def first(self, _index: int, /) -> Choice | None:
        return None

    def prompt(self, _prompt: PromptTokens, /) -> Sequence[TextChoice]:
        return ()

    def more(self, event: More, /) -> Choice | None:
        text = event.text if isinstance(event, Delta) else ""
        likelihoods = self._likelihoods(event.index, event.tokens)
        return TextChoice(event.index, text, likelihoods) if text or likelihoods else None

    def last(self, index: int, reason: FinishReason) -> Choice:
        return TextChoice(index, "", finish_reason=REASONS[reason])

    def whole(self, complete: Complete, /) -> TextChoice:
        index, empty = complete.index, TextLogprobs([], [], [], []) if self._logprobs else None
        likelihoods = self._likelihoods(index, complete.tokens) or empty
        return TextChoice(index, complete.text, likelihoods, REASONS[complete.reason])

    def _likelihoods(self, index: int, tokens: Sequence[TokenDetail]) -> TextLogprobs | None:
        if not (self._logprobs and tokens):
            return None
        ruler = self._rulers[index]
        return TextLogprobs(
            [text_of(token.piece) for token in tokens],
            [_logprob(token.logprob) for token in tokens],
            [table_of(token) for token in tokens],
            [ruler.offset_of(token.piece) for token in tokens],
        )


class Ruler:
    """Where in the text each token begins, in characters, however characters are cut into tokens. `start`: how much
    text there is before the first."""

    def __init__(self, start: int = 0) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._length = start

    def offset_of(self, piece: bytes) -> int:
        offset = self._length
        self._length += len(self._decoder.decode(piece))
        return offset


def likelihood(token: TokenDetail) -> TokenLikelihood:
    return TokenLikelihood(
        text_of(token.piece),
        _logprob(token.logprob),
        list(token.piece),
        [_alternative(other) for other in token.top],
    )


def _alternative(other: Alternative) -> Likelihood:
    return Likelihood(text_of(other.piece), _logprob(other.logprob), list(other.piece))


def table_of(token: TokenDetail) -> dict[str, float]:
    """The alternatives by text, and the drawn token, which OpenAI always counts in."""
    table = {text_of(other.piece): _logprob(other.logprob) for other in token.top}
    table.setdefault(text_of(token.piece), _logprob(token.logprob))
    return table


def text_of(piece: bytes) -> str:
    """The piece as text; OpenAI's spelling of bytes that are no text by themselves."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def _logprob(value: float | None) -> float:
    return value if value is not None and value > LEAST else LEAST
