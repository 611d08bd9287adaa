"""A response as events while it is written. Pure.

The order of events is that of OpenAI's API reference, Streaming events of responses: each item is added, its part
is added, grows and is done, and the item is done.
"""

from __future__ import annotations

from itertools import count
from typing import Protocol

import msgspec

from samovar.api.answering.blocks import Block, Blocks, Growth, Kind
from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.responses import wire
from samovar.api.dialects.responses.output import (
    STATUS,
    Head,
    Status,
    begun,
    finished,
    item_id,
    item_of,
    likelihoods,
    part_of,
    response_of,
)
from samovar.api.sse import frame
from samovar.core.catalogue import Language
from samovar.core.errors import Busy, InvalidInput, SamovarError, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, FinishReason, Thought

ENDS: dict[Status, str] = {
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "cancelled": "response.incomplete",
}


GROWTH: dict[Kind, str] = {
    "text": "response.output_text",
    "thought": "response.reasoning_text",
    "call": "response.function_call_arguments",
}
"""How the events are called in which a block grows and is done."""


class Typed(Protocol):
    @property
    def type(self) -> str: ...


class ResponseStream:
    """The events of one stream."""

    def __init__(self, head: Head, warnings: list[str]) -> None:
        self.head = head
        self._warnings = warnings
        self._repeated = msgspec.json.encode(head.repeated)
        self._numbers = count()
        self._blocks = Blocks()
        self._reason: FinishReason = "stop"
        self._progress = begun(head)

    @property
    def response(self) -> bytes:
        """As JSON: what is in its output is known once it has ended."""
        return response_of(self._progress, self._repeated)

    def stopped(self) -> bytes:
        """The response, were it stopped now."""
        return response_of(self._cut("cancelled"), self._repeated)

    def first(self) -> bytes:
        return self._whole("response.created") + self._whole("response.in_progress")

    def translate(self, event: Event) -> bytes:
        """The bytes for one event, b"" where there is nothing to send. Raises what Failed carries."""
        match event:
            case Delta() | Thought() | Call():
                growth = self._blocks.take(event)
                return self._grown(growth) if growth else b""
            case Finish():
                self._reason = event.reason
            case Done():
                return self._ending(event)
            case Failed():
                raise revive(event.error)
            case _:
                pass
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        """The events that end a broken stream: why, and the response as it was left."""
        said = error_shape(error, language).error
        self._progress = msgspec.structs.replace(
            self._cut("failed"), error=wire.Failure(_code(error), said.message)
        )
        told = _frame(wire.ErrorEvent("error", next(self._numbers), said.code, said.message, said.param))
        return told + self._whole("response.failed")

    def _grown(self, growth: Growth) -> bytes:
        frames = self._done(growth.ended, "completed")
        if growth.began:
            frames += self._added(growth.block)
        return frames + (self._more(growth) if growth.piece else b"")

    def _added(self, block: Block) -> bytes:
        empty = Block(block.index, block.kind, block.id, block.name)
        return self._item("added", empty, "in_progress") + self._part("added", empty)

    def _more(self, growth: Growth) -> bytes:
        block, piece = growth.block, growth.piece
        head = (f"{GROWTH[block.kind]}.delta", next(self._numbers), item_id(block, self.head), block.index)
        match block.kind:
            case "text":
                return _frame(wire.TextDelta(*head, 0, piece, likelihoods(growth.tokens, self.head)))
            case "thought":
                return _frame(wire.ReasoningDelta(*head, 0, piece))
            case "call":
                return _frame(wire.ArgumentsDelta(*head, piece))

    def _done(self, block: Block | None, status: Status) -> bytes:
        if block is None:
            return b""
        return self._said(block) + self._part("done", block) + self._item("done", block, status)

    def _said(self, block: Block) -> bytes:
        """All that has grown, at once."""
        head = (f"{GROWTH[block.kind]}.done", next(self._numbers), item_id(block, self.head), block.index)
        match block.kind:
            case "text":
                return _frame(wire.TextDone(*head, 0, block.text, likelihoods(block.tokens, self.head)))
            case "thought":
                return _frame(wire.ReasoningDone(*head, 0, block.text))
            case "call":
                return _frame(wire.ArgumentsDone(*head, block.name, block.text))

    def _item(self, what: str, block: Block, status: Status) -> bytes:
        item = item_of(block, self.head, status)
        return _frame(wire.ItemEvent(f"response.output_item.{what}", next(self._numbers), block.index, item))

    def _part(self, what: str, block: Block) -> bytes:
        if block.kind == "call":
            return b""
        place = (item_id(block, self.head), block.index, 0)
        part = part_of(block, self.head)
        return _frame(wire.PartEvent(f"response.content_part.{what}", next(self._numbers), *place, part))

    def _ending(self, done: Done) -> bytes:
        status = STATUS[self._reason]
        last = self._done(self._blocks.current, status)
        self._progress = finished(self.head, self._blocks.all, self._reason, done, self._warnings)
        return last + self._whole(ENDS[status])

    def _cut(self, status: Status) -> wire.Progress:
        """The response as it stands, which will not go on."""
        blocks, last = self._blocks.all, self._blocks.current
        output = [item_of(block, self.head, "incomplete" if block is last else "completed") for block in blocks]
        return msgspec.structs.replace(self._progress, status=status, output=output)

    def _whole(self, name: str) -> bytes:
        return _frame(wire.Whole(name, next(self._numbers), msgspec.Raw(self.response)))


def _frame(event: Typed) -> bytes:
    return frame(event.type, event)


def _code(error: SamovarError) -> str:
    """OpenAI's words for why a response failed."""
    if isinstance(error, Busy):
        return "rate_limit_exceeded"
    return "invalid_prompt" if isinstance(error, InvalidInput) else "server_error"
