"""The functions that a body offers the model, and which of them it must call. How a dialect writes them down is its
own affair."""

from __future__ import annotations

from collections.abc import Sequence

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Tool, Tools

FREE = frozenset({"auto", "none", "required"})


def read_function(fields: Fields, schema: str) -> Tool:
    """One function; `schema` names the field with the JSON schema of its arguments, which may be missing where
    there are none."""
    name = fields.text("name")
    if not name:
        raise fields.missing("name")
    parameters = fields.take(schema)
    if parameters is not None and not isinstance(parameters, dict):
        raise fields.wrong(schema, "object", parameters)
    return Tool(name, fields.text("description") or "", parameters or {"type": "object", "properties": {}})


def choose(offered: Sequence[Tool], choice: str, place: str, *, parallel: bool) -> Tools | None:
    """`choice`: "auto", "none", "required" or a function's name, read from field `place`. None where nothing is
    offered. Raises InvalidParameter for a choice that there is not."""
    names = ", ".join(tool.name for tool in offered)
    if choice not in FREE and all(tool.name != choice for tool in offered):
        raise InvalidParameter("functions.unknown", name=place, function=choice[:60], offered=names or "—")
    if choice == "required" and not offered:
        raise InvalidParameter("functions.none", name=place)
    return Tools(tuple(offered), choice, parallel) if offered else None
