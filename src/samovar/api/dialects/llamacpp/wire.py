"""What is sent: llama.cpp's answers and stream objects as structs, and the words in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import UNSET, UnsetType

from samovar.core import events
from samovar.core.events import Alternative, FinishReason, TokenDetail
from samovar.core.requests import Completion

encode = msgspec.json.Encoder().encode

# The lowest float32: llama.cpp's stand-in for the logarithm of nothing.
LEAST = -3.4028234663852886e38

STOP_TYPES: Mapping[FinishReason, str] = MappingProxyType(
    {"stop": "eos", "length": "limit", "tool_calls": "eos", "cancelled": "limit"}
)

THEIR_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "repetition_penalty": "repeat_penalty",
        "repetition_penalty_range": "repeat_last_n",
        "dry_range": "dry_penalty_last_n",
        "mirostat_mode": "mirostat",
        "ban_eos_token": "ignore_eos",
    }
)
"""What llama.cpp calls parameters that have another name here."""

Probability = dict[str, object]


class Timings(msgspec.Struct, frozen=True):
    """Counts of tokens computed, not cached; milliseconds. 0 where nothing was computed."""

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_token_ms: float
    prompt_per_second: float
    predicted_n: int
    predicted_ms: float
    predicted_per_token_ms: float
    predicted_per_second: float
    draft_n: int | UnsetType = UNSET
    draft_n_accepted: int | UnsetType = UNSET
    cache_n_approximate: int | UnsetType = UNSET


class Progress(msgspec.Struct, frozen=True):
    """Of `total` prompt tokens `processed` are there, `cache` of them were before."""

    total: int
    cache: int
    processed: int
    time_ms: int


class Chunk(msgspec.Struct, frozen=True):
    """One object of a stream, but the last."""

    index: int
    content: str
    tokens: list[int]
    stop: bool
    id_slot: int
    tokens_predicted: int
    tokens_evaluated: int
    prompt_progress: Progress | UnsetType = UNSET
    completion_probabilities: list[Probability] | UnsetType = UNSET


class Final(msgspec.Struct, frozen=True):
    """The whole answer, or the last object of a stream, whose `content` is empty. `warnings` are sentences."""

    index: int
    content: str
    tokens: list[int]
    id_slot: int
    stop: bool
    model: str
    tokens_predicted: int
    tokens_evaluated: int
    generation_settings: dict[str, object]
    prompt: str
    has_new_line: bool
    truncated: bool
    stop_type: str
    stopping_word: str
    tokens_cached: int
    timings: Timings
    completion_probabilities: list[Probability] | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET


def timings_of(timings: events.Timings) -> Timings:
    return Timings(
        timings.cache_n,
        timings.prompt_n,
        timings.prompt_ms,
        _share(timings.prompt_ms, timings.prompt_n),
        _share(timings.prompt_n * 1000, timings.prompt_ms),
        timings.predicted_n,
        timings.predicted_ms,
        _share(timings.predicted_ms, timings.predicted_n),
        _share(timings.predicted_n * 1000, timings.predicted_ms),
        timings.draft_n or UNSET,
        timings.draft_n_accepted if timings.draft_n else UNSET,
        timings.cache_n_approximate or UNSET,
    )


def probabilities(tokens: Sequence[TokenDetail], *, after: bool) -> list[Probability]:
    """Each token with its alternatives; `after`: probabilities of what the samplers left, not logarithms."""
    top = "top_probs" if after else "top_logprobs"
    return [
        _likely(token, token.logprob, after=after) | {top: [_likely(a, a.logprob, after=after) for a in token.top]}
        for token in tokens
    ]


def settings_of(completion: Completion) -> dict[str, object]:
    """All that the answer was drawn with, by llama.cpp's names where it has one."""
    # Imported at the first request: the samplers' declarations come with numpy, which a start need not wait for.
    from samovar.sampling.orders import DEFAULT_ORDER
    from samovar.sampling.registry import defaults

    values = dict(defaults()) | completion.sampling.values
    named = {THEIR_NAMES.get(name, name): _plain(value) for name, value in values.items()}
    limit, seed = completion.max_tokens, completion.sampling.seed
    return {
        "n_predict": -1 if limit is None else limit,
        "seed": -1 if seed is None else seed,
        "stop": completion.stop,
        "n_probs": completion.logprobs or 0,
        "post_sampling_probs": completion.logprobs_after,
        "samplers": completion.sampling.order or DEFAULT_ORDER,
        "grammar": completion.constraint.text if completion.constraint else "",
        **named,
    }


def _plain(value: object) -> object:
    """Biases as pairs, where a ban is false, which JSON has and minus infinity not."""
    if not isinstance(value, dict):
        return value
    return [[token, False if bias == -math.inf else bias] for token, bias in value.items()]


def _likely(token: TokenDetail | Alternative, logprob: float | None, *, after: bool) -> Probability:
    likely = LEAST if logprob is None else max(logprob, LEAST)
    measure = {"prob": math.exp(likely)} if after else {"logprob": likely}
    text = token.piece.decode("utf-8", "replace")
    return {"id": token.id, "token": text, "bytes": list(token.piece), **measure}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
