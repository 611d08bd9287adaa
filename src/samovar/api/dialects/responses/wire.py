"""What is sent: responses, their items and the events of a stream, as structs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from samovar.api.dialects.openai.wire import TokenLikelihood
from samovar.core.events import Timings, Usage


class OutputText(msgspec.Struct, frozen=True, tag="output_text"):
    text: str
    logprobs: list[TokenLikelihood]
    annotations: tuple[()] = ()


class ReasoningText(msgspec.Struct, frozen=True, tag="reasoning_text"):
    text: str


Part = OutputText | ReasoningText


class OutputMessage(msgspec.Struct, frozen=True, tag="message"):
    id: str
    status: str
    content: list[OutputText]
    role: str = "assistant"


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning"):
    id: str
    status: str
    content: list[ReasoningText]
    summary: tuple[()] = ()


class FunctionCall(msgspec.Struct, frozen=True, tag="function_call"):
    id: str
    status: str
    call_id: str
    name: str
    arguments: str


Item = OutputMessage | Reasoning | FunctionCall


class InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    cache_write_tokens: int = 0


class OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int


class WireUsage(msgspec.Struct, frozen=True):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class Failure(msgspec.Struct, frozen=True):
    code: str
    message: str


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """What of a request every response repeats."""

    instructions: str | None
    max_output_tokens: int | None
    metadata: Mapping[str, object]
    parallel_tool_calls: bool
    previous_response_id: str | None
    reasoning: Mapping[str, object]
    store: bool
    temperature: object
    text: object
    tool_choice: object
    tools: object
    top_logprobs: int
    top_p: object
    truncation: str = "disabled"
    service_tier: str = "default"
    background: bool = False


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What of a response changes while it is written."""

    id: str
    object: str = "response"
    created_at: int
    status: str
    model: str
    output: Sequence[Item] = ()
    usage: WireUsage | None = None
    error: Failure | None = None
    incomplete_details: Mapping[str, str] | None = None
    timings: Timings | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET


class Whole(msgspec.Struct, frozen=True):
    """An event about the whole response."""

    type: str
    sequence_number: int
    response: msgspec.Raw


class ItemEvent(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    output_index: int
    item: Item


class PartEvent(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    part: Part


class TextDelta(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[TokenLikelihood]


class TextDone(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[TokenLikelihood]


class ReasoningDelta(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    delta: str


class ReasoningDone(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    text: str


class ArgumentsDelta(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    delta: str


class ArgumentsDone(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    item_id: str
    output_index: int
    name: str
    arguments: str


class ErrorEvent(msgspec.Struct, frozen=True):
    type: str
    sequence_number: int
    code: str | None
    message: str
    param: str | None


class Page(msgspec.Struct, frozen=True):
    data: Sequence[object]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: str = "list"


class Deleted(msgspec.Struct, frozen=True):
    id: str
    object: str = "response"
    deleted: bool = True


class TokenCount(msgspec.Struct, frozen=True):
    input_tokens: int
    object: str = "response.input_tokens"


def usage_of(usage: Usage) -> WireUsage:
    return WireUsage(
        usage.prompt_tokens,
        InputDetails(usage.cached_tokens),
        usage.completion_tokens,
        OutputDetails(usage.reasoning_tokens),
        usage.prompt_tokens + usage.completion_tokens,
    )
