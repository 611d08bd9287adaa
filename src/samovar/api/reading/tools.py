"""The functions that a model may call, as OpenAI's bodies and Ollama's write them down."""

from __future__ import annotations

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Tool

MOST_TOOLS = 128


def read_tools(fields: Fields, name: str = "tools") -> tuple[Tool, ...]:
    """[{"type": "function", "function": {name, description, parameters}}]; the inner object may also stand alone.
    Raises InvalidParameter."""
    listed = fields.objects(name)
    if len(listed) > MOST_TOOLS:
        raise InvalidParameter(
            "core.parameter_items", name=fields.place(name), count=len(listed), maximum=MOST_TOOLS
        )
    return tuple(_tool(item) for item in listed)


def _tool(item: Fields) -> Tool:
    function = item.nested("function") if "function" in item.rest else item
    name = function.text("name")
    if not name:
        raise function.missing("name")
    return Tool(name, function.text("description") or "", function.nested("parameters").rest)
