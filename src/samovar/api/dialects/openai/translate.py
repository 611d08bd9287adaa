"""From OpenAI's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from samovar.api.dialects.openai.fields import FIELDS
from samovar.api.dialects.openai.front_ends import front_end
from samovar.api.dialects.textgen.fields import FIELDS as MODE_FIELDS
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.constraint import read_constraint
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.model import read_model
from samovar.api.reading.modes import read_staging
from samovar.api.reading.prompts import read_prompts
from samovar.api.reading.sampling import (
    MOST_LOGPROBS,
    read_banned,
    read_guidance,
    read_limit,
    read_sampling,
)
from samovar.api.reading.tools import read_calls, read_tools, read_variables
from samovar.core.errors import InvalidParameter
from samovar.core.parameters import SamplingParams, Value
from samovar.core.requests import Completion, Message

MOST_CHOICES = 128
TEXT_TOKENS = 16
"""How many tokens OpenAI's completions give when not told."""

ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

GREEDY: Mapping[str, Value] = {"temperature": 0.0, "dynamic_temperature": False, "dynatemp_range": 0.0}
"""The best token, whatever else is set."""

TEXT_PARTS = frozenset({"text", "input_text", "output_text"})


class OpenAIAsked(Asked, frozen=True, kw_only=True):
    """`include_usage`: a stream ends with a chunk of its own for the usage. `echo`: completions begin with their
    prompts. `functions`: tools were offered and are to be called in the words that were used before there were
    tools."""

    include_usage: bool = False
    echo: bool = False
    functions: bool = False


def chat(body: Json) -> OpenAIAsked:
    """A body of /v1/chat/completions. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, FIELDS, "chat")
    settle(fields, MODE_FIELDS, "chat")
    functions = bool(fields.rest.get("functions"))
    messages, tools = _messages(fields), read_tools(fields)
    old, new = read_limit(fields, "max_tokens"), read_limit(fields, "max_completion_tokens")
    completion = Completion(
        messages=messages,
        continue_last=messages[-1].role == "assistant" and not messages[-1].tool_calls,
        tools=tools,
        reads=True,
        variables=read_variables(fields),
        max_tokens=old if new is None else new,
        logprobs=_chat_logprobs(fields),
    )
    staging = read_staging(fields)
    known = staging.character is None
    asked = _asked(fields, (staging.of(completion) if known else completion,))
    return msgspec.structs.replace(asked, functions=functions, staging=None if known else staging)


def text(body: Json) -> OpenAIAsked:
    """A body of /v1/completions. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, FIELDS, "text")
    echo, suffix, logprobs = fields.flag("echo"), fields.text("suffix") or None, _text_logprobs(fields)
    bos, controls = fields.flag("add_bos_token", usual=True), not fields.flag("skip_special_tokens", usual=True)
    limit = read_limit(fields, "max_tokens", TEXT_TOKENS, least=0 if echo else 1)
    completions = tuple(
        Completion(
            prompt=prompt,
            suffix=suffix,
            max_tokens=limit,
            logprobs=logprobs,
            prompt_logprobs=logprobs if echo else None,
            bos=bos,
            controls=controls,
        )
        for prompt in read_prompts(fields)
    )
    best_of = fields.whole("best_of", 1, MOST_CHOICES)
    asked = _asked(fields, completions)
    if best_of is not None and best_of > asked.completions[0].n:
        raise InvalidParameter("api.openai.best_of", name="best_of", best_of=best_of, n=asked.completions[0].n)
    return msgspec.structs.replace(asked, echo=echo)


def _asked(fields: Fields, completions: tuple[Completion, ...]) -> OpenAIAsked:
    """Reads what both endpoints share into each of `completions`."""
    stream, options = fields.flag("stream"), fields.nested("stream_options")
    n = fields.whole("n", 1, MOST_CHOICES) or 1
    if len(completions) * n > MOST_CHOICES:
        facts = {"prompts": len(completions), "n": n, "count": len(completions) * n, "maximum": MOST_CHOICES}
        raise InvalidParameter("api.openai.choices", name="n", **facts)
    model, stop, preset = read_model(fields), fields.strings("stop"), fields.text("preset")
    constraint = read_constraint(fields)
    asker = front_end(fields.text("api_type"))
    guidance, banned = read_guidance(fields), read_banned(fields, ignore_case=asker.ignore_case)
    after, draws = fields.flag("post_sampling_probs"), fields.flag("do_sample", usual=True)
    retains = fields.flag("grammar_retain_state")
    for name in asker.others:
        fields.take(name)
    sampling, ignored = read_sampling(fields, asker.conventions)
    shared = {
        "model": model,
        "n": n,
        "constraint": constraint,
        "guidance": guidance,
        "banned": banned,
        "logprobs_after": after,
        "sampling": sampling if draws else _greedy(sampling),
    }
    return OpenAIAsked(
        completions=tuple(
            msgspec.structs.replace(completion, stop=(*stop, *completion.stop), **shared)
            for completion in completions
        ),
        stream=stream,
        include_usage=options.flag("include_usage"),
        preset=preset or None,
        ignored=ignored,
        key=asker.key,
        retains=retains and bool(asker.key),
    )


def _greedy(sampling: SamplingParams) -> SamplingParams:
    return msgspec.structs.replace(sampling, values={**sampling.values, **GREEDY})


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
    thought = fields.text("reasoning_content"), fields.text("reasoning")
    return Message(
        ROLES[role],
        _content(fields),
        fields.text("name"),
        reasoning=thought[0] or thought[1],
        tool_calls=read_calls(fields),
        tool_call_id=fields.text("tool_call_id"),
    )


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
