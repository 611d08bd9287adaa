"""From OpenAI's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from samovar.api.body import Fields, Json
from samovar.api.dialects.openai.constraint import read_constraint
from samovar.api.dialects.openai.fields import settle
from samovar.core.errors import InvalidParameter, OutOfRange
from samovar.core.parameters import SamplingParams, Value
from samovar.core.requests import Banned, Completion, Guidance, Message
from samovar.services.presets import laid_over

MOST_CHOICES = 128
MOST_GUIDANCE = 20.0
ORDER_FIELDS = ("samplers", "sampler_priority", "sampler_order")
MOST_ORDERED = 100
MOST_BANNED, LONGEST_BANNED = 256, 256
MOST_LOGPROBS = 20
MOST_TOKENS = 2**31 - 1
SEEDS = 2**63
TEXT_TOKENS = 16
"""How many tokens OpenAI's completions give when not told."""

ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}

TEXT_PARTS = frozenset({"text", "input_text", "output_text"})


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A translated request. `preset`: the name of one that the completions' sampling is to be laid over;
    `ignored`: names of fields that nobody here knows."""

    completions: tuple[Completion, ...]
    stream: bool
    include_usage: bool
    preset: str | None
    ignored: tuple[str, ...]

    @property
    def choices(self) -> int:
        return len(self.completions) * self.completions[0].n

    @property
    def logprobs(self) -> bool:
        return self.completions[0].logprobs is not None


def chat(body: Json) -> Asked:
    """A body of /v1/chat/completions. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, "chat")
    messages = _messages(fields)
    old, new = _limit(fields, "max_tokens", None), _limit(fields, "max_completion_tokens", None)
    completion = Completion(
        messages=messages,
        continue_last=messages[-1].role == "assistant",
        max_tokens=old if new is None else new,
        logprobs=_chat_logprobs(fields),
    )
    return _asked(fields, (completion,))


def text(body: Json) -> Asked:
    """A body of /v1/completions. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, "text")
    limit, logprobs = _limit(fields, "max_tokens", TEXT_TOKENS), _text_logprobs(fields)
    completions = tuple(
        Completion(prompt=prompt, max_tokens=limit, logprobs=logprobs) for prompt in _prompts(fields)
    )
    best_of = fields.whole("best_of", 1, MOST_CHOICES)
    asked = _asked(fields, completions)
    if best_of is not None and best_of > asked.completions[0].n:
        raise InvalidParameter("api.openai.best_of", name="best_of", best_of=best_of, n=asked.completions[0].n)
    return asked


def _asked(fields: Fields, completions: tuple[Completion, ...]) -> Asked:
    """Reads what both endpoints share into each of `completions`."""
    stream, options = fields.flag("stream"), fields.nested("stream_options")
    n = fields.whole("n", 1, MOST_CHOICES) or 1
    if len(completions) * n > MOST_CHOICES:
        facts = {"prompts": len(completions), "n": n, "count": len(completions) * n, "maximum": MOST_CHOICES}
        raise InvalidParameter("api.openai.choices", name="n", **facts)
    model, stop, preset = fields.text("model"), fields.strings("stop"), fields.text("preset")
    constraint = read_constraint(fields)
    guidance, banned = _guidance(fields), _banned(fields)
    after = fields.flag("post_sampling_probs")
    sampling, ignored = _sampling(fields)
    shared = {
        "model": None if model in ("", "default") else model,
        "n": n,
        "stop": stop,
        "constraint": constraint,
        "guidance": guidance,
        "banned": banned,
        "logprobs_after": after,
        "sampling": sampling,
    }
    return Asked(
        completions=tuple(msgspec.structs.replace(completion, **shared) for completion in completions),
        stream=stream,
        include_usage=options.flag("include_usage"),
        preset=preset or None,
        ignored=ignored,
    )


def with_preset(asked: Asked, preset: SamplingParams) -> Asked:
    """`asked`, with what it does not set itself from `preset`."""
    sampling = laid_over(preset, asked.completions[0].sampling)
    completions = (msgspec.structs.replace(completion, sampling=sampling) for completion in asked.completions)
    return msgspec.structs.replace(asked, completions=tuple(completions))


def _banned(fields: Fields) -> Banned | None:
    texts, ignore_case = fields.strings("banned_strings"), fields.flag("banned_strings_ignore_case")
    if len(texts) > MOST_BANNED or max(map(len, texts), default=0) > LONGEST_BANNED:
        raise InvalidParameter(
            "api.openai.banned", name="banned_strings", count=len(texts), most=MOST_BANNED, longest=LONGEST_BANNED
        )
    return Banned(texts, ignore_case) if texts else None


def _guidance(fields: Fields) -> Guidance | None:
    """Only a scale asks for guidance: clients send an empty negative prompt with everything."""
    scale, negative = fields.number("guidance_scale", 0, MOST_GUIDANCE), fields.text("negative_prompt")
    return None if scale in (None, 1.0) else Guidance(scale or 0.0, negative or "")


def _sampling(fields: Fields) -> tuple[SamplingParams, tuple[str, ...]]:
    seed = _seed(fields)
    order, strangers = _order(fields)
    checked, unknown = _resolve(fields.rest)
    return SamplingParams(checked, order, seed), (*unknown, *strangers)


def _order(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the order of the steps, the words in it that mean nothing here); empty where none is asked for."""
    from samovar.sampling.orders import complete, read_order

    given = [words for name in ORDER_FIELDS if (words := _words(fields, name))]
    last = fields.flag("temperature_last")
    order, strangers = read_order(given[0][:MOST_ORDERED] if given else ())
    return (complete(order, temperature_last=last), strangers) if order or last else ((), strangers)


def _words(fields: Fields, name: str) -> list[str | int]:
    words = fields.take(name)
    try:
        return msgspec.convert(words or [], list[str | int])
    except msgspec.ValidationError:
        raise fields.wrong(name, "array", words) from None


def _resolve(values: Json) -> tuple[dict[str, Value], list[str]]:
    # Imported at the first request: the samplers' declarations come with numpy, which a start need not wait for.
    from samovar.sampling.registry import resolve

    return resolve(values)


def _seed(fields: Fields) -> int | None:
    """−1 is a fresh seed, as everywhere but at OpenAI, where it is as rare as any; other negative ones are folded
    into the range that engines take."""
    seed = fields.whole("seed", -SEEDS, 2 * SEEDS - 1)
    return None if seed in (None, -1) else seed % SEEDS


def _limit(fields: Fields, name: str, default: int | None) -> int | None:
    """`max_tokens` and its kin: None is up to the end of the window."""
    limit = fields.whole(name, -1, MOST_TOKENS)
    if limit == 0:
        raise OutOfRange("core.parameter_range", name=name, value=0, minimum=1, maximum=MOST_TOKENS)
    return default if limit is None else None if limit == -1 else limit


def _chat_logprobs(fields: Fields) -> int | None:
    wanted, top = fields.flag("logprobs"), fields.whole("top_logprobs", 0, MOST_LOGPROBS)
    if top and not wanted:
        raise InvalidParameter("api.openai.top_logprobs", name="top_logprobs")
    return top or 0 if wanted else None


def _text_logprobs(fields: Fields) -> int | None:
    if isinstance(fields.rest.get("logprobs"), bool):
        return 0 if fields.flag("logprobs") else None
    return fields.whole("logprobs", 0, MOST_LOGPROBS)


def _messages(fields: Fields) -> tuple[Message, ...]:
    messages = tuple(_message(message) for message in fields.objects("messages"))
    if not messages:
        raise fields.missing("messages")
    return messages


def _message(fields: Fields) -> Message:
    role = fields.text("role")
    if role is None:
        raise fields.missing("role")
    if role not in ROLES:
        name, roles = fields.place("role"), ", ".join(ROLES)
        raise InvalidParameter("api.openai.role", name=name, role=role[:60], roles=roles)
    if fields.take("tool_calls"):
        raise InvalidParameter("api.openai.not_yet", name=fields.place("tool_calls"))
    return Message(ROLES[role], _content(fields), fields.text("name"))


def _content(fields: Fields) -> str:
    """A text, or parts of text, each a line of its own, as llama.cpp and vLLM join them."""
    if not isinstance(fields.rest.get("content"), list):
        return fields.text("content") or ""
    return "\n".join(_part(part) for part in fields.objects("content"))


def _part(fields: Fields) -> str:
    kind = fields.text("type") or "text"
    if kind not in TEXT_PARTS:
        raise InvalidParameter("api.openai.only_text", name=fields.place(""), type=kind[:60])
    words = fields.text("text")
    if words is None:
        raise fields.missing("text")
    return words


def _prompts(fields: Fields) -> list[str | tuple[int, ...]]:
    """One prompt or several, each a text or token ids: a flat list of numbers is one prompt."""
    value = fields.take("prompt")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise fields.missing("prompt") if value in (None, []) else fields.wrong("prompt", "string or array", value)
    if _is_tokens(value):
        return [tuple(value)]
    return [_prompt(fields, f"prompt[{i}]", item) for i, item in enumerate(value)]


def _prompt(fields: Fields, name: str, value: object) -> str | tuple[int, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and _is_tokens(value):
        return tuple(value)
    raise fields.wrong(name, "string or array of token ids", value)


def _is_tokens(value: list[object]) -> bool:
    return all(type(token) is int and 0 <= token <= MOST_TOKENS for token in value)
