"""From koboldcpp's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

import msgspec

from samovar.api.dialects.koboldcpp.fields import CONVENTIONS, DEFAULT_LENGTH, DEFAULTS, FIELDS, ORDER
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.constraint import read_constraint
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.sampling import (
    MOST_TOKENS,
    SEEDS,
    read_banned,
    read_guidance,
    read_limit,
    read_sampling,
)
from samovar.core.requests import Banned, Completion

ALTERNATIVES = 5
"""How many alternatives of a token koboldcpp gives."""

PENALTIES = ("rep_pen", "repetition_penalty", "repeat_penalty")


class KoboldAsked(Asked, frozen=True, kw_only=True):
    """`memory` and `prompt` are still apart, because only the prompt may be cut; the completion's prompt is both.
    `context`: the window that was asked for. `placeholders`: those of the model's template are to be filled in.
    `trim_stop`: the stop sequence that ends an answer is no part of it."""

    prompt: str = ""
    memory: str = ""
    context: int | None = None
    placeholders: bool = False
    trim_stop: bool = True


def key_of(genkey: str | None) -> str:
    """What the answer is called that a client calls `genkey`. No other dialect's answers are called so: a client
    that stops what has no name stops nobody else's."""
    return f"koboldcpp:{genkey or ''}"


def generate(body: Json, *, stream: bool) -> KoboldAsked:
    """A body of /api/v1/generate or /api/extra/generate/stream. Raises InvalidInput."""
    fields = Fields(_with_defaults(body))
    settle(fields, FIELDS, "generate")
    prompt, memory = fields.text("prompt") or "", fields.text("memory") or ""
    context, genkey = fields.whole("max_context_length", 0, MOST_TOKENS) or None, fields.text("genkey")
    placeholders = _switch(fields, "replace_instruct_placeholders")
    trim_stop, retains = _switch(fields, "trim_stop", default=True), _switch(fields, "grammar_retain_state")
    constraint, past_end = read_constraint(fields), _switch(fields, "bypass_eos")
    completion = Completion(
        prompt=memory + prompt,
        max_tokens=read_limit(fields, "max_length", DEFAULT_LENGTH),
        logprobs=ALTERNATIVES if _switch(fields, "logprobs") else None,
        stop=_stops(fields),
        constraint=constraint,
        guidance=read_guidance(fields),
        banned=_banned(fields),
        controls=_switch(fields, "render_special"),
        # Behind the end of a grammar there is nothing that could come.
        past_end=past_end and constraint is None,
    )
    sampling, ignored = read_sampling(fields, CONVENTIONS)
    return KoboldAsked(
        completions=(msgspec.structs.replace(completion, sampling=sampling),),
        stream=stream,
        ignored=ignored,
        key=key_of(genkey),
        retains=retains,
        prompt=prompt,
        memory=memory,
        context=context,
        placeholders=placeholders,
        trim_stop=trim_stop,
    )


def _with_defaults(body: Json) -> Json:
    """The body with koboldcpp's defaults, and its fields of its own in the words that everyone is read by."""
    given: Json = {name: value for name, value in body.items() if value is not None}
    penalties = [value for name in PENALTIES if isinstance(value := given.get(name), int | float)]
    whole: Json = {**DEFAULTS, **{name: value for name, value in given.items() if name not in PENALTIES[1:]}}
    if penalties:
        whole["rep_pen"] = max(penalties)
    seed = whole.pop("sampler_seed", whole.pop("seed", -1))
    # Seeds that mean nothing in particular: 0 and below.
    whole["seed"] = -1 if isinstance(seed, int | float) and -SEEDS <= seed <= 0 else seed
    whole["sampler_order"] = whole["sampler_order"] or list(ORDER)
    return whole


def _stops(fields: Fields) -> tuple[str, ...]:
    line = ("\n",) if _switch(fields, "singleline") else ()
    return tuple(dict.fromkeys((*fields.strings("stop_sequence"), *fields.strings("stop"), *line)))


def _banned(fields: Fields) -> Banned | None:
    found = [read_banned(fields, name, ignore_case=True) for name in ("banned_strings", "banned_tokens")]
    texts = tuple(dict.fromkeys(text for banned in found if banned for text in banned.texts))
    return Banned(texts, ignore_case=True) if texts else None


def _switch(fields: Fields, name: str, *, default: bool = False) -> bool:
    """A boolean, also as 0 and 1."""
    value = fields.rest.get(name, default)
    if isinstance(value, int | float):
        fields.take(name)
        return bool(value)
    return fields.flag(name)
