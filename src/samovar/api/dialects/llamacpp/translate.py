"""From llama.cpp's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from samovar.api.dialects.llamacpp.fields import CONVENTIONS, FIELDS
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.extras import read_extras
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.model import read_model
from samovar.api.reading.prompts import read_prompts
from samovar.api.reading.sampling import MOST_TOKENS
from samovar.core.errors import InvalidParameter
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, SourceFile

MOST_CHOICES = 128
MOST_PROBABILITIES = 1000
MOST_MILLISECONDS = 2**31 - 1

NAMELESS = "snippet"
"""What a file is called that has no name."""

ANY_SEED = 2**32 - 1
"""LLAMA_DEFAULT_SEED: a fresh one each time."""


class LlamaAsked(Asked, frozen=True, kw_only=True):
    """`fields`: of the answer, the ones that are wanted; None: all."""

    return_tokens: bool = False
    return_progress: bool = False
    fields: tuple[str, ...] | None = None


def completion(body: Json) -> LlamaAsked:
    """A body of /completion, `spelled`. Raises InvalidInput."""
    fields = _ready(body)
    settle(fields, FIELDS, "text")
    return _asked(fields, [Completion(prompt=prompt) for prompt in read_prompts(fields)])


def infill(body: Json) -> LlamaAsked:
    """A body of /infill. Raises InvalidInput."""
    fields = _ready(body)
    settle(fields, FIELDS, "infill")
    before, behind = fields.text("input_prefix"), fields.text("input_suffix")
    files = tuple(_file(file) for file in fields.objects("input_extra"))
    prefix = (before or "") + (fields.text("prompt") or "")
    return _asked(fields, [Completion(prompt=prefix, suffix=behind or "", files=files)])


def _file(fields: Fields) -> SourceFile:
    return SourceFile(fields.text("filename") or NAMELESS, fields.text("text") or "")


def _ready(body: Json) -> Fields:
    """The fields, in as few spellings as our own readers know."""
    ours = dict(body)
    if isinstance(body.get("samplers"), str):
        ours["samplers"] = list(str(body["samplers"]))
    if body.get("seed") == ANY_SEED:
        ours["seed"] = -1
    return Fields(ours)


def _asked(fields: Fields, completions: Sequence[Completion]) -> LlamaAsked:
    """Reads what both endpoints share into each of `completions`."""
    n = fields.whole("n", 1, MOST_CHOICES) or 1
    n = max(n, fields.whole("n_cmpl", 1, MOST_CHOICES) or 1)
    if len(completions) * n > MOST_CHOICES:
        facts = {"prompts": len(completions), "n": n, "count": len(completions) * n, "maximum": MOST_CHOICES}
        raise InvalidParameter("api.openai.choices", name="n", **facts)
    model, stop = read_model(fields), fields.strings("stop")
    hurry = fields.number("t_max_predict_ms", -1, MOST_MILLISECONDS)
    wanted = _response_fields(fields)
    shared: dict[str, object] = {
        "model": model,
        "n": n,
        "stop": stop,
        "max_tokens": _limit(fields),
        "logprobs": _probabilities(fields),
        "logprobs_after": fields.flag("post_sampling_probs"),
        "controls": not fields.flag("skip_special_tokens", usual=True),
    }
    stream, tokens, progress = map(fields.flag, ("stream", "return_tokens", "return_progress"))
    listed = fields.rest.get("samplers")
    extras = read_extras(fields, CONVENTIONS)
    if isinstance(listed, list):
        extras = msgspec.structs.replace(extras, sampling=_only(extras.sampling, listed))
    return LlamaAsked(
        completions=tuple(extras.on(msgspec.structs.replace(one, **shared)) for one in completions),
        preset=extras.preset,
        ignored=extras.ignored,
        hurry=hurry if hurry is not None and hurry > 0 else None,
        stream=stream,
        return_tokens=tokens,
        return_progress=progress,
        fields=wanted,
    )


def _limit(fields: Fields) -> int | None:
    """Every negative number is up to the end of the window."""
    first, second = (fields.whole(name, -MOST_TOKENS, MOST_TOKENS) for name in ("n_predict", "max_tokens"))
    limit = second if first is None else first
    return None if limit is None or limit < 0 else limit


def _probabilities(fields: Fields) -> int | None:
    """How many alternatives are wanted; neither 0 nor a boolean wants any."""
    counts = [_count(fields, name) for name in ("n_probs", "logprobs")]
    return next((count for count in counts if count), None)


def _count(fields: Fields, name: str) -> int | None:
    if isinstance(fields.rest.get(name), bool):
        fields.take(name)
    return fields.whole(name, 0, MOST_PROBABILITIES)


def _response_fields(fields: Fields) -> tuple[str, ...] | None:
    given = "response_fields" in fields.rest
    names = fields.strings("response_fields")
    return names if given and names else None


def _only(sampling: SamplingParams, listed: list[object]) -> SamplingParams:
    """`sampling`, where a step of llama.cpp's that is not `listed` does nothing. Mirostat is in no list and takes
    the place of all others."""
    # Imported at the first request: the samplers' declarations come with numpy, which a start need not wait for.
    from samovar.sampling.orders import ORDERS, read_order
    from samovar.sampling.registry import steps

    if sampling.values.get("mirostat_mode"):
        return sampling
    named, _ = read_order([word for word in listed if isinstance(word, str)])
    heated = ("dynamic_temperature",) if "temperature" in named else ()
    left_out = [name for name in ORDERS["llama.cpp"] if name not in (*named, *heated)]
    off = {p.name: p.neutral for name in left_out for p in steps()[name].parameters}
    return msgspec.structs.replace(sampling, values=sampling.values | off)
