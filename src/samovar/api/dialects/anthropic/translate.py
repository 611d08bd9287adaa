"""From Anthropic's request bodies to `core.requests.Completion`. Pure: no server, no model, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.dialects.anthropic.content import read_messages, read_system
from samovar.api.dialects.anthropic.fields import FIELDS
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.constraint import read_format
from samovar.api.reading.extras import read_extras
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.model import read_model
from samovar.api.reading.sampling import MOST_TOKENS, read_limit
from samovar.api.reading.thinking import thinking_variables
from samovar.api.reading.tools import choose, read_function
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Completion, Tool, Tools

CHOICES: Mapping[str, str] = MappingProxyType({"auto": "auto", "any": "required", "none": "none"})

THINKS: Mapping[str, bool | None] = MappingProxyType(
    {"enabled": True, "disabled": False, "adaptive": None, "between_tools": None}
)
"""Whether the model is asked to think; None: as it does by itself."""


class AnthropicAsked(Asked, frozen=True, kw_only=True):
    """`shows_thinking`: whether the text of what was thought is sent."""

    shows_thinking: bool = True


def messages(body: Json) -> AnthropicAsked:
    """A body of /v1/messages. Raises InvalidInput."""
    return _asked(body, "messages")


def count(body: Json) -> AnthropicAsked:
    """A body of /v1/messages/count_tokens. Raises InvalidInput."""
    return _asked(body, "count")


def _asked(body: Json, endpoint: str) -> AnthropicAsked:
    fields = Fields(body)
    settle(fields, FIELDS, endpoint)
    said = (*read_system(fields), *read_messages(fields))
    model, limit = read_model(fields), read_limit(fields, "max_tokens")
    stop, stream = fields.strings("stop_sequences"), fields.flag("stream")
    output = fields.nested("output_config")
    constraint = read_format(output, "format") or read_format(fields, "output_format")
    variables, shows_thinking = _thinking(fields.nested("thinking"), output.text("effort"))
    completion = Completion(
        model=model,
        messages=said,
        continue_last=said[-1].role == "assistant" and not said[-1].tool_calls,
        max_tokens=limit,
        stop=stop,
        constraint=constraint,
        tools=_tools(fields),
        reads=True,
        variables=variables,
    )
    extras = read_extras(fields)
    return AnthropicAsked(
        completions=(extras.on(completion),),
        stream=stream,
        preset=extras.preset,
        ignored=extras.ignored,
        shows_thinking=shows_thinking,
    )


def _thinking(fields: Fields, effort: str | None) -> tuple[dict[str, object], bool]:
    kind = fields.text("type") or "adaptive"
    if kind not in THINKS:
        types = ", ".join(THINKS)
        raise InvalidParameter("tools.choice", name=fields.place("type"), type=kind[:60], types=types)
    budget = fields.whole("budget_tokens", 1, MOST_TOKENS)
    return thinking_variables(THINKS[kind], effort, budget), fields.text("display") != "omitted"


def _tools(fields: Fields) -> Tools | None:
    offered = [_tool(tool) for tool in fields.objects("tools")]
    choice = fields.nested("tool_choice")
    kind, parallel = choice.text("type") or "auto", not choice.flag("disable_parallel_tool_use")
    if kind == "tool":
        name = choice.text("name")
        if not name:
            raise choice.missing("name")
        return choose(offered, name, choice.place("name"), parallel=parallel)
    if kind not in CHOICES:
        types = ", ".join((*CHOICES, "tool"))
        raise InvalidParameter("tools.choice", name=choice.place("type"), type=kind[:60], types=types)
    return choose(offered, CHOICES[kind], choice.place("type"), parallel=parallel)


def _tool(fields: Fields) -> Tool:
    kind = fields.text("type") or "custom"
    if kind != "custom":
        raise InvalidParameter("tools.type", name=fields.place(""), type=kind[:60], known="custom")
    return read_function(fields, "input_schema")
