"""One answer on the wire: line by line while it grows, or whole. Pure but for the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from samovar.api.answering.collected import Choice, Collected
from samovar.api.dialects.ollama.clock import Clock
from samovar.api.dialects.ollama.errors import error_shape
from samovar.api.dialects.ollama.wire import (
    CallOut,
    Ending,
    Form,
    Function,
    Said,
    encode,
    ending_of,
    likelihoods,
)
from samovar.core.catalogue import Language, say
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, FinishReason, Thought, TokenDetail, Warned
from samovar.core.requests import ToolCall


@dataclass
class Head:
    """What one answer's lines share. `remembered`: the prompt's tokens, where the answer is to end with all of
    them; None where it is not."""

    form: Form
    model: str
    clock: Clock
    logprobs: bool
    language: Language
    warnings: list[str]
    remembered: tuple[int, ...] | None = None

    def line(self, said: Said, ending: Ending | None = None) -> bytes:
        return encode(self.form(self.model, self.clock.now(), said, done=ending is not None), ending)

    def ending(self, reason: FinishReason, done: Done, drawn: Sequence[int]) -> Ending:
        context = [] if self.remembered is None else [*self.remembered, *drawn]
        return ending_of(reason, done, self.clock, context, self.warnings)


@dataclass
class Lines:
    """The lines of one stream. Ollama's clients take a call in one piece: its pieces are held until it is whole."""

    head: Head
    _calls: dict[int, ToolCall] = field(default_factory=dict)
    _sent: int = 0
    _drawn: list[int] = field(default_factory=list)
    _reason: FinishReason = "stop"

    def first(self) -> bytes:
        return b""

    def translate(self, event: Event) -> bytes:
        match event:
            case Delta():
                return self._saying(event.tokens, text=event.text)
            case Thought():
                return self._saying(event.tokens, thinking=event.text)
            case Call():
                return self._calling(event)
            case Finish():
                self._reason = event.reason
                return self._called()
            case Warned():
                self.head.warnings.append(say(event.note.key, self.head.language, **event.note.facts))
            case Done():
                return self.head.line(Said(), self.head.ending(self._reason, event, self._drawn)) + b"\n"
            case Failed():
                raise revive(event.error)
            case _:
                pass
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        return encode(error_shape(error, language)) + b"\n"

    def _saying(self, tokens: Sequence[TokenDetail], *, text: str = "", thinking: str = "") -> bytes:
        self._remember(tokens)
        told = likelihoods(tokens) if self.head.logprobs else []
        if not (text or thinking or told):
            return b""
        return self.head.line(Said(text, thinking, logprobs=told)) + b"\n"

    def _calling(self, event: Call) -> bytes:
        self._remember(event.tokens)
        known = self._calls.get(event.call)
        before = b"" if known else self._called()
        call = known or ToolCall(event.id, event.name, "")
        self._calls[event.call] = msgspec.structs.replace(call, arguments=call.arguments + event.arguments)
        return before

    def _called(self) -> bytes:
        """The calls that are whole by now: all that have begun."""
        waiting = list(self._calls.values())[self._sent :]
        said = _said(Said(), waiting, self._sent)
        self._sent += len(waiting)
        return self.head.line(said) + b"\n" if waiting else b""

    def _remember(self, tokens: Sequence[TokenDetail]) -> None:
        if self.head.remembered is not None:
            self._drawn += [token.id for token in tokens]


def whole(collected: Collected, head: Head) -> bytes:
    """The complete answer as one object."""
    choice = collected.choices[0] if collected.choices else Choice(0)
    told = likelihoods(choice.tokens) if head.logprobs else []
    said = _said(Said(choice.text, choice.reasoning, logprobs=told), choice.calls, 0)
    drawn = [token.id for token in choice.tokens]
    return head.line(said, head.ending(choice.reason, collected.done, drawn))


def _said(said: Said, calls: Sequence[ToolCall], first: int) -> Said:
    """`said` with the calls that can be made. What a limit cut off in the middle is told as the text it is."""
    whole = [_call(call, first + i) for i, call in enumerate(calls)]
    broken = [f"{call.name}{call.arguments}" for call, out in zip(calls, whole, strict=True) if out is None]
    made = [out for out in whole if out is not None]
    return msgspec.structs.replace(said, text="".join([said.text, *broken]), calls=made)


def _call(call: ToolCall, index: int) -> CallOut | None:
    arguments = (call.arguments.strip() or "{}").encode()
    try:
        msgspec.json.decode(arguments, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return CallOut(call.id, Function(index, call.name, msgspec.Raw(arguments)))
