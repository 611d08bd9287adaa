"""What is sent: OpenAI's answers and stream chunks as structs.

An answer is written as its head, its choices and its tail, so that a stream encodes its head once.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from samovar.core.events import Timings, Usage

encode = msgspec.json.Encoder().encode


class Likelihood(msgspec.Struct, frozen=True):
    """One token; `bytes` are its own, which need not be whole characters."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLikelihood(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[Likelihood]


class ChatLogprobs(msgspec.Struct, frozen=True):
    content: list[TokenLikelihood]
    refusal: None = None


class TextLogprobs(msgspec.Struct, frozen=True):
    """Parallel lists, one entry a token; offsets in characters of the answer's text. None: of a first token, which
    nothing predicts."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class FunctionDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """More of a call: its name once, its arguments in pieces."""

    name: str | None = None
    arguments: str


class CallDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """More of the `index`-th call; `id` and `type` come with its first piece."""

    index: int
    id: str | None = None
    type: str | None = None
    function: FunctionDelta


class ChatDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """`function_call`: for clients that offered `functions`."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallDelta] | None = None
    function_call: FunctionDelta | None = None


class ChatChunkChoice(msgspec.Struct, frozen=True):
    index: int
    delta: ChatDelta
    logprobs: ChatLogprobs | None = None
    finish_reason: str | None = None


class Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class WireCall(msgspec.Struct, frozen=True):
    id: str
    function: Function
    type: str = "function"


class ChatMessage(msgspec.Struct, frozen=True):
    """`content` is null where the model only called; what it did not do is left out."""

    content: str | None
    role: str = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[WireCall] | UnsetType = UNSET
    function_call: Function | UnsetType = UNSET


class ChatChoice(msgspec.Struct, frozen=True):
    index: int
    message: ChatMessage
    logprobs: ChatLogprobs | None
    finish_reason: str


class TextChoice(msgspec.Struct, frozen=True):
    """A choice of a completion, and of a chunk of one."""

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: str | None = None


Choice = ChatChunkChoice | ChatChoice | TextChoice


class Head(msgspec.Struct, frozen=True):
    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str


class PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    audio_tokens: int = 0


class CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class WireUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Tail(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known at the end. `timings` as llama.cpp's server reports them; `warnings` are sentences."""

    usage: WireUsage | None = None
    timings: Timings | None = None
    warnings: list[str] = []


class Model(msgspec.Struct, frozen=True):
    id: str
    created: int
    object: str = "model"
    owned_by: str = "samovar"


class ModelList(msgspec.Struct, frozen=True):
    data: list[Model]
    object: str = "list"


def usage_of(usage: Usage) -> WireUsage:
    return WireUsage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.prompt_tokens + usage.completion_tokens,
        PromptDetails(usage.cached_tokens),
        CompletionDetails(usage.reasoning_tokens),
    )


def opening(head: Head) -> bytes:
    """The bytes of an answer up to its first choice."""
    return encode(head)[:-1] + b',"choices":['


def closing(tail: Tail) -> bytes:
    """The bytes of an answer after its last choice."""
    inner = encode(tail)[1:]
    return b"]" + (inner if inner == b"}" else b"," + inner)
