"""One answer on the wire: line by line while it grows, or whole. Pure but for the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from samovar.api.answering.blocks import Block, Blocks, Growth
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
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, FinishReason, Thought, TokenDetail
from samovar.core.requests import ToolCall


@dataclass
class Head:
    """What one answer's lines share. `remembered`: the prompt's tokens, where the answer is to end with all of
    them; None where it is not."""

    form: Form
    model: str
    clock: Clock
    logprobs: bool
    warnings: list[str]
    remembered: tuple[int, ...] | None = None

    def line(self, said: Said, ending: Ending | None = None) -> bytes:
        return encode(self.form(self.model, self.clock.now(), said, done=ending is not None), ending)

    def ending(self, reason: FinishReason, done: Done, drawn: Sequence[int]) -> Ending:
        context = [] if self.remembered is None else [*self.remembered, *drawn]
        return ending_of(reason, done, self.clock, context, self.warnings)

    def told(self, tokens: Sequence[TokenDetail]) -> Said:
        return Said(logprobs=likelihoods(tokens)) if self.logprobs else NOTHING


NOTHING = Said()


@dataclass
class Lines:
    """The lines of one stream. Ollama's clients take a call in one piece: its pieces are held until it is whole."""

    head: Head
    _blocks: Blocks = field(default_factory=Blocks)
    _called: int = 0
    _drawn: list[int] = field(default_factory=list)
    _reason: FinishReason = "stop"

    def first(self) -> bytes:
        return b""

    def translate(self, event: Event) -> bytes:
        """Raises what Failed carries."""
        match event:
            case Delta() | Thought() | Call():
                self._remember(event.tokens)
                growth = self._blocks.take(event)
                return self._grown(growth) if growth else b""
            case Finish():
                self._reason = event.reason
                return self._ended(self._blocks.current)
            case Done():
                return self._line(NOTHING, self.head.ending(self._reason, event, self._drawn))
            case Failed():
                raise revive(event.error)
            case _:
                return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        return encode(error_shape(error, language)) + b"\n"

    def _grown(self, growth: Growth) -> bytes:
        before, piece = self._ended(growth.ended), growth.piece
        if growth.block.kind == "call":
            return before
        told = self.head.told(growth.tokens).logprobs
        said = Said(piece, logprobs=told) if growth.block.kind == "text" else Said("", piece, logprobs=told)
        return before + self._line(said)

    def _ended(self, block: Block | None) -> bytes:
        """The call that `block` was, if it was one."""
        if block is None or block.kind != "call":
            return b""
        self._called += 1
        call = ToolCall(block.id, block.name, block.text)
        return self._line(with_calls(self.head.told(block.tokens), [call], self._called - 1))

    def _line(self, said: Said, ending: Ending | None = None) -> bytes:
        return self.head.line(said, ending) + b"\n"

    def _remember(self, tokens: Sequence[TokenDetail]) -> None:
        if self.head.remembered is not None:
            self._drawn += [token.id for token in tokens]


def whole(collected: Collected, head: Head) -> bytes:
    """The complete answer as one object."""
    choice = collected.choices[0] if collected.choices else Choice(0)
    said = Said(choice.text, choice.reasoning, logprobs=head.told(choice.tokens).logprobs)
    drawn = [token.id for token in choice.tokens]
    return head.line(with_calls(said, choice.calls), head.ending(choice.reason, collected.done, drawn))


def with_calls(said: Said, calls: Sequence[ToolCall], first: int = 0) -> Said:
    """`said` with the calls that can be made. What a limit cut off in the middle is told as the text it is."""
    tried = [(call, _call(call, first + i)) for i, call in enumerate(calls)]
    broken = [f"{call.name}{call.arguments}" for call, made in tried if made is None]
    made = [made for _, made in tried if made is not None]
    return msgspec.structs.replace(said, text="".join([said.text, *broken]), calls=made)


def _call(call: ToolCall, index: int) -> CallOut | None:
    """None where the arguments are no object. They are written anew: a model may spread them over lines."""
    try:
        arguments = msgspec.json.decode(call.arguments.strip() or "{}", type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return CallOut(call.id, Function(index, call.name, arguments))
