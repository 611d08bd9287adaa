"""The items of a response's output, whole or just begun, made of an answer's blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from samovar.api.answering.blocks import Block, Kind
from samovar.api.dialects.openai.forms import likelihood
from samovar.api.dialects.openai.wire import TokenLikelihood
from samovar.api.dialects.responses.wire import (
    FunctionCall,
    Item,
    OutputMessage,
    OutputText,
    Part,
    Progress,
    Reasoning,
    ReasoningText,
    Repeated,
    usage_of,
)
from samovar.core.events import Done, FinishReason, TokenDetail

Status = Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]

STATUS: dict[FinishReason, Status] = {
    "stop": "completed",
    "tool_calls": "completed",
    "length": "incomplete",
    "cancelled": "cancelled",
}


PREFIXES: dict[Kind, str] = {"thought": "rs", "call": "fc", "text": "msg"}
"""How ids of items begin."""


class Head(msgspec.Struct, frozen=True):
    """What is known before the answer. `stem` makes the ids: of the response, and of the items in it."""

    stem: str
    created: int
    model: str
    repeated: Repeated
    logprobs: bool = False

    @property
    def id(self) -> str:
        return f"resp_{self.stem}"


def item_of(block: Block, head: Head, status: Status = "completed") -> Item:
    """A block that has no text yet is an item without content. Items know no cancelling: they are incomplete."""
    said: Status = "incomplete" if status == "cancelled" else status
    match block.kind:
        case "thought":
            return Reasoning(item_id(block, head), said, [ReasoningText(block.text)] if block.pieces else [])
        case "call":
            return FunctionCall(item_id(block, head), said, block.id, block.name, block.text)
        case _:
            return OutputMessage(item_id(block, head), said, [_text(block, head)] if block.pieces else [])


def item_id(block: Block, head: Head) -> str:
    return f"{PREFIXES[block.kind]}_{head.stem}_{block.index}"


def part_of(block: Block, head: Head) -> Part:
    """The one part that a message or a thought has."""
    return ReasoningText(block.text) if block.kind == "thought" else _text(block, head)


def likelihoods(tokens: Sequence[TokenDetail], head: Head) -> list[TokenLikelihood]:
    return [likelihood(token) for token in tokens] if head.logprobs else []


def begun(head: Head) -> Progress:
    return Progress(id=head.id, created_at=head.created, status="in_progress", model=head.model)


def finished(
    head: Head, blocks: Sequence[Block], reason: FinishReason, done: Done, warnings: list[str]
) -> Progress:
    """What ended with `reason`: only the last block can be incomplete."""
    status = STATUS[reason]
    return msgspec.structs.replace(
        begun(head),
        status=status,
        output=[item_of(block, head, status if block is blocks[-1] else "completed") for block in blocks],
        usage=usage_of(done.usage),
        incomplete_details={"reason": "max_output_tokens"} if reason == "length" else None,
        timings=done.timings,
        warnings=warnings or msgspec.UNSET,
    )


def response_of(progress: Progress, repeated: bytes) -> bytes:
    """A response as JSON; `repeated` is encoded already."""
    return msgspec.json.encode(progress)[:-1] + b"," + repeated[1:]


def _text(block: Block, head: Head) -> OutputText:
    return OutputText(block.text, likelihoods(block.tokens, head))
