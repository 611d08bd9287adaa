"""Tools and the calls of earlier turns, in the shape that OpenAI gave them and most others took over."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from samovar.api.reading.body import Fields, Json
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Tool, ToolCall, Tools

CHOICES = {"none": "none", "auto": "auto", "required": "required", "any": "required"}
"""What may stand in place of a function's name, and what it means."""


def read_tools(fields: Fields) -> Tools | None:
    """`tools`, `tool_choice` and `parallel_tool_calls`, or the older `functions` and `function_call`. None where no
    function is offered. Raises InvalidParameter for a choice that is none of them."""
    offered = [tool for item in fields.objects("tools") if (tool := _tool(item)) is not None]
    offered += [read_function(item) for item in fields.objects("functions")]
    new, old = _choice(fields, "tool_choice"), _choice(fields, "function_call")
    parallel = fields.take("parallel_tool_calls") is not False
    choice = new or old or "auto"
    return choose(offered, choice, "tool_choice" if new else "function_call", parallel=parallel)


def choose(offered: Sequence[Tool], choice: str, place: str, *, parallel: bool) -> Tools | None:
    """`choice` came in the field at `place`. None where nothing is offered and nothing is asked for. Raises
    InvalidParameter for a choice that there is not."""
    if not offered and choice in ("auto", "none"):
        return None
    return checked(Tools(tuple(offered), choice, parallel), place)


def checked(tools: Tools, field: str) -> Tools:
    """`tools`, whose choice came in `field`. Raises InvalidParameter where that is no function that is offered."""
    names = [tool.name for tool in tools.offered]
    known = names if tools.choice not in CHOICES.values() else names and [tools.choice]
    if tools.choice not in known:
        raise InvalidParameter(
            "tools.no_such_choice", name=field, choice=tools.choice, tools=", ".join(names) or "—"
        )
    return tools


def read_calls(fields: Fields) -> tuple[ToolCall, ...]:
    """The calls that an assistant's message made, of either age."""
    old = fields.nested("function_call")
    calls = [_call(item) for item in fields.objects("tool_calls")]
    return tuple(calls + ([_called("", old)] if old.rest else []))


def _tool(fields: Fields) -> Tool | None:
    """None for what is no function: searches and interpreters that others run on their own servers."""
    kind = fields.text("type") or "function"
    if kind != "function":
        return None
    inner = fields.nested("function")
    return read_function(inner if inner.rest else fields)


def read_function(fields: Fields, schema: str = "parameters") -> Tool:
    """One function; `schema`: the field with the JSON schema of its arguments, absent where there are none."""
    name = fields.text("name")
    if not name:
        raise fields.missing("name")
    return Tool(name, fields.text("description") or "", fields.nested(schema).rest)


def _choice(fields: Fields, name: str) -> str:
    """A choice by word, or by the name of a function; "" where nothing is chosen."""
    value = fields.rest.get(name)
    if not isinstance(value, dict):
        word = fields.text(name) or ""
        return CHOICES.get(word, word)
    chosen = fields.nested(name)
    if chosen.rest.get("type") in ("auto", "none", "any", "required"):
        return CHOICES[str(chosen.text("type"))]
    inner = chosen.nested("function")
    function = inner.text("name") or chosen.text("name")
    if not function:
        raise chosen.missing("function.name")
    return function


def _call(fields: Fields) -> ToolCall:
    return _called(fields.text("id") or "", fields.nested("function"))


def _called(id: str, function: Fields) -> ToolCall:
    name, arguments = function.text("name"), function.take("arguments")
    if not name:
        raise function.missing("name")
    return ToolCall(id, name, arguments_text(arguments))


def arguments_text(arguments: object) -> str:
    """A call's arguments as JSON text, however they were sent."""
    if isinstance(arguments, str):
        return arguments or "{}"
    return msgspec.json.encode(arguments or {}).decode()


def read_variables(fields: Fields) -> Json:
    """What a chat template is to be told: `chat_template_kwargs`, and the fields that mean one of them."""
    variables = dict(fields.nested("chat_template_kwargs").rest)
    effort = fields.text("reasoning_effort")
    thinks = fields.take("enable_thinking")
    return variables | _present(reasoning_effort=effort, enable_thinking=thinks)


def _present(**values: object) -> Json:
    return {name: value for name, value in values.items() if value is not None}
