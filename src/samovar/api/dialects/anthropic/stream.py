"""One answer on the wire: as events while it grows, or whole. Pure.

The order of events is that of Anthropic's API reference, Streaming messages.
"""

from __future__ import annotations

import msgspec

from samovar.api.answering.blocks import Block, Blocks, Growth
from samovar.api.answering.collected import Collected
from samovar.api.dialects.anthropic import wire
from samovar.api.dialects.anthropic.errors import error_reply
from samovar.api.sse import frame
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, Thought, Usage

PING = frame("ping", wire.Ping())


class Head(msgspec.Struct, frozen=True):
    """What is known before the answer. `limit`: how many tokens it may have; None: as many as fit."""

    id: str
    request_id: str
    model: str
    limit: int | None = None
    shows_thinking: bool = True


class MessageStream:
    """The events of one stream."""

    def __init__(self, head: Head, prompt_tokens: int, warnings: list[str]) -> None:
        self._head = head
        self._prompt_tokens = prompt_tokens
        self._warnings = warnings
        self._blocks = Blocks()
        self._finish = Finish(0, "stop")

    def first(self) -> bytes:
        """The empty message. Its usage counts the whole prompt: what of it was cached is not known yet."""
        usage = wire.usage_of(Usage(self._prompt_tokens, 0, 0))
        message = wire.Message(self._head.id, "assistant", self._head.model, [], None, None, usage)
        return _frame(wire.MessageStart(message)) + PING

    def translate(self, event: Event) -> bytes:
        """The bytes for one event, b"" where there is nothing to send. Raises what Failed carries."""
        match event:
            case Delta() | Thought() | Call():
                growth = self._blocks.take(event)
                return self._grown(growth) if growth else b""
            case Finish():
                self._finish = event
            case Done():
                return self._ending(event)
            case Failed():
                raise revive(event.error)
            case _:
                pass
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        """The event that ends a broken stream."""
        return _frame(error_reply(error, language, self._head.request_id))

    def _grown(self, growth: Growth) -> bytes:
        block = growth.block
        frames = self._stopped(growth.ended)
        if growth.began:
            frames += _frame(wire.BlockStart(block.index, wire.opening_of(block)))
        if growth.piece and (self._head.shows_thinking or block.kind != "thought"):
            frames += _frame(wire.BlockDelta(block.index, wire.DELTAS[block.kind](growth.piece)))
        return frames

    def _stopped(self, block: Block | None) -> bytes:
        if block is None:
            return b""
        signed = block.kind == "thought"
        signature = _frame(wire.BlockDelta(block.index, wire.SignatureDelta(wire.SIGNATURE))) if signed else b""
        return signature + _frame(wire.BlockStop(block.index))

    def _ending(self, done: Done) -> bytes:
        delta = wire.MessageDelta(
            wire.Stop(*_stopping(self._finish, done.usage, self._head.limit)),
            wire.usage_of(done.usage),
            done.timings,
            self._warnings,
        )
        return self._stopped(self._blocks.current) + _frame(delta) + _frame(wire.MessageStop())


def whole(collected: Collected, head: Head, warnings: list[str]) -> bytes:
    """The complete message as JSON."""
    choice, done = collected.choices[0], collected.done
    stopping = _stopping(Finish(0, choice.reason, choice.stop), done.usage, head.limit)
    message = wire.Message(
        head.id,
        "assistant",
        head.model,
        [wire.content_of(block, shows_thinking=head.shows_thinking) for block in choice.blocks],
        *stopping,
        wire.usage_of(done.usage),
        done.timings,
        warnings,
    )
    return msgspec.json.encode(message)


def _stopping(finish: Finish, usage: Usage, limit: int | None) -> tuple[str, str | None]:
    """Why the answer ended, and the stop sequence that ended it."""
    match finish.reason:
        case "tool_calls":
            return "tool_use", None
        case "length" if limit is None or usage.completion_tokens < limit:
            return "model_context_window_exceeded", None
        case "length":
            return "max_tokens", None
        case _:
            return ("end_turn", None) if finish.stop is None else ("stop_sequence", finish.stop)


def _frame(event: msgspec.Struct) -> bytes:
    """An event that goes by its own type."""
    return frame(str(event.__struct_config__.tag), event)
