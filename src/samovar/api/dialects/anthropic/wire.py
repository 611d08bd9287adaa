"""What is sent: Anthropic's messages, their blocks and the events of a stream, as structs with their `type`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.answering.blocks import Block, Kind
from samovar.core.events import Timings
from samovar.core.events import Usage as Spent

SIGNATURE = "samovar"
"""Clients give thinking back only with a signature; here nobody reads it."""


class Text(msgspec.Struct, frozen=True, tag="text"):
    text: str


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    thinking: str
    signature: str


class ToolUse(msgspec.Struct, frozen=True, tag="tool_use"):
    id: str
    name: str
    input: msgspec.Raw


Content = Text | Thinking | ToolUse


class OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int


class Usage(msgspec.Struct, frozen=True):
    """`input_tokens` were computed, the cached ones are beside them."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: OutputDetails
    service_tier: str = "standard"


class Message(msgspec.Struct, frozen=True, tag="message", omit_defaults=True):
    """`timings` as llama.cpp's server reports them; `warnings` are sentences."""

    id: str
    role: str
    model: str
    content: list[Content]
    stop_reason: str | None
    stop_sequence: str | None
    usage: Usage
    timings: Timings | None = None
    warnings: list[str] = []


class MessageStart(msgspec.Struct, frozen=True, tag="message_start"):
    message: Message


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    pass


class BlockStart(msgspec.Struct, frozen=True, tag="content_block_start"):
    index: int
    content_block: Content


class TextDelta(msgspec.Struct, frozen=True, tag="text_delta"):
    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking_delta"):
    thinking: str


class SignatureDelta(msgspec.Struct, frozen=True, tag="signature_delta"):
    signature: str


class InputDelta(msgspec.Struct, frozen=True, tag="input_json_delta"):
    partial_json: str


DELTAS: Mapping[Kind, type[TextDelta] | type[ThinkingDelta] | type[InputDelta]] = MappingProxyType(
    {"text": TextDelta, "thought": ThinkingDelta, "call": InputDelta}
)


class BlockDelta(msgspec.Struct, frozen=True, tag="content_block_delta"):
    index: int
    delta: TextDelta | ThinkingDelta | SignatureDelta | InputDelta


class BlockStop(msgspec.Struct, frozen=True, tag="content_block_stop"):
    index: int


class Stop(msgspec.Struct, frozen=True):
    stop_reason: str
    stop_sequence: str | None


class MessageDelta(msgspec.Struct, frozen=True, tag="message_delta", omit_defaults=True):
    delta: Stop
    usage: Usage
    timings: Timings | None = None
    warnings: list[str] = []


class MessageStop(msgspec.Struct, frozen=True, tag="message_stop"):
    pass


class Model(msgspec.Struct, frozen=True, tag="model"):
    id: str
    display_name: str
    created_at: str
    lifecycle: str = "active"


class ModelPage(msgspec.Struct, frozen=True):
    data: list[Model]
    has_more: bool
    first_id: str | None
    last_id: str | None


class TokenCount(msgspec.Struct, frozen=True):
    input_tokens: int


def usage_of(spent: Spent) -> Usage:
    return Usage(
        spent.prompt_tokens - spent.cached_tokens,
        0,
        spent.cached_tokens,
        spent.completion_tokens,
        OutputDetails(spent.reasoning_tokens),
    )


def content_of(block: Block, *, shows_thinking: bool) -> Content:
    """A complete block."""
    match block.kind:
        case "thought":
            return Thinking(block.text if shows_thinking else "", SIGNATURE)
        case "call":
            return ToolUse(block.id, block.name, _object(block.text))
        case _:
            return Text(block.text)


def opening_of(block: Block) -> Content:
    """The block before it has any text."""
    match block.kind:
        case "thought":
            return Thinking("", "")
        case "call":
            return ToolUse(block.id, block.name, msgspec.Raw(b"{}"))
        case _:
            return Text("")


def _object(arguments: str) -> msgspec.Raw:
    """The arguments as they were written, where they are an object; a call that the limit cut off has none."""
    raw = arguments.encode()
    try:
        msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return msgspec.Raw(b"{}")
    return msgspec.Raw(raw)
