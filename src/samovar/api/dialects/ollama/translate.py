"""From Ollama's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from samovar.api.dialects.ollama.fields import CONVENTIONS, DEFAULTS, FIELDS
from samovar.api.dialects.ollama.keep import read_keep_alive
from samovar.api.dialects.ollama.messages import read_messages
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.extras import read_extras
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.prompts import are_tokens
from samovar.api.reading.sampling import MOST_LOGPROBS, MOST_TOKENS
from samovar.api.reading.thinking import thinking_variables
from samovar.api.reading.tools import read_tools
from samovar.core.errors import InvalidParameter
from samovar.core.requests import ANY_OBJECT, Completion, Constraint, Message

FILL_THE_WINDOW = -2
"""The least that Ollama's `num_predict` takes."""

LONGEST_LEVEL = 16

# Go's templates reach into their data with a dot and have words of their own.
_GO_TEMPLATE = re.compile(r"\{\{-?\s*(?:\.|\$|(?:if|range|with|else|end)\b)")


class OllamaAsked(Asked, frozen=True, kw_only=True):
    """`empty`: nothing is to be answered; the model is loaded, or unloaded. `tokens`: those of an earlier answer
    (`context`), which come before the prompt; `remembers`: the answer ends with its own."""

    empty: bool = False
    tokens: tuple[int, ...] = ()
    remembers: bool = False


def generate(body: Json) -> OllamaAsked:
    """A body of /api/generate. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, FIELDS, "generate")
    prompt, suffix = fields.text("prompt") or "", fields.text("suffix") or ""
    system, template = fields.text("system") or "", _template(fields)
    tokens, raw = _context(fields), fields.flag("raw")
    if raw and (system or template or tokens):
        raise InvalidParameter("ollama.raw", name="raw")
    plain = raw or bool(suffix)
    completion = Completion(
        messages=() if plain else _dialogue(system, prompt),
        prompt=prompt if plain else None,
        suffix=suffix or None,
        template=template,
        reads=not plain,
    )
    empty = not (prompt or suffix)
    return _asked(fields, completion, empty=empty, tokens=tokens, remembers=not plain and not empty)


def chat(body: Json) -> OllamaAsked:
    """A body of /api/chat. Raises InvalidInput."""
    fields = Fields(body)
    settle(fields, FIELDS, "chat")
    messages, tools = read_messages(fields), read_tools(fields)
    last = messages[-1] if messages else None
    completion = Completion(
        messages=messages,
        continue_last=last is not None and last.role == "assistant" and not last.tool_calls,
        tools=tools,
        reads=True,
    )
    return _asked(fields, completion, empty=not messages)


def _asked(
    fields: Fields,
    completion: Completion,
    *,
    empty: bool,
    tokens: tuple[int, ...] = (),
    remembers: bool = False,
) -> OllamaAsked:
    """Reads what both endpoints share into `completion`."""
    model, preset = read_model(fields), fields.text("preset")
    stream = read_switch(fields, "stream")
    options, format = fields.nested("options"), _format(fields)
    keep_alive, variables, logprobs = read_keep_alive(fields), _thinking(fields), _logprobs(fields)
    settle(options, FIELDS, "options")
    limit, stop = options.whole("num_predict", FILL_THE_WINDOW, MOST_TOKENS), options.strings("stop")
    extras = read_extras(options, CONVENTIONS)
    shared = {
        "model": model,
        "max_tokens": limit if limit is not None and limit > 0 else None,
        "stop": stop,
        "constraint": format,
        "logprobs": logprobs,
        "variables": variables,
        "keep_alive": keep_alive,
    }
    return OllamaAsked(
        completions=(extras.on(msgspec.structs.replace(completion, **shared)),),
        stream=stream,
        preset=preset or extras.preset,
        defaults=DEFAULTS,
        ignored=(*fields.rest, *extras.ignored),
        empty=empty,
        tokens=tokens,
        remembers=remembers,
    )


def read_model(fields: Fields) -> str | None:
    """As the client calls it; None for the loaded one. Older clients say `name`."""
    model, name = fields.text("model"), fields.text("name")
    return model or name or None


def read_switch(fields: Fields, name: str) -> bool:
    """A boolean that is true where it is absent."""
    return name not in fields.rest or fields.flag(name)


def _dialogue(system: str, prompt: str) -> tuple[Message, ...]:
    asked = Message("user", prompt)
    return (Message("system", system), asked) if system else (asked,)


def _template(fields: Fields) -> str | None:
    text = fields.text("template") or None
    if text and _GO_TEMPLATE.search(text):
        raise InvalidParameter("ollama.go_template", name="template")
    return text


def _context(fields: Fields) -> tuple[int, ...]:
    value = fields.take("context")
    if value is None:
        return ()
    if not isinstance(value, list) or not are_tokens(value):
        raise fields.wrong("context", "array of token ids", value)
    return tuple(value)


def _format(fields: Fields) -> Constraint | None:
    value = fields.take("format")
    if value is None or value == "":
        return None
    if value == "json":
        return ANY_OBJECT
    if isinstance(value, dict):
        return Constraint("json_schema", msgspec.json.encode(value).decode())
    raise InvalidParameter("ollama.format", name="format", value=repr(value)[:60])


def _thinking(fields: Fields) -> Mapping[str, object]:
    """What the template is told. A level is an effort as well."""
    value = fields.take("think")
    if value in (None, "") or isinstance(value, bool):
        return thinking_variables(value if isinstance(value, bool) else None)
    if isinstance(value, str) and value.isascii() and value.isalpha() and len(value) <= LONGEST_LEVEL:
        return thinking_variables(True, value)
    raise InvalidParameter("ollama.think", name="think", value=repr(value)[:60])


def _logprobs(fields: Fields) -> int | None:
    wanted, top = fields.flag("logprobs"), fields.whole("top_logprobs", 0, MOST_LOGPROBS)
    return top or 0 if wanted else None
