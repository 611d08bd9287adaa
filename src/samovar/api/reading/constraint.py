"""What an answer must look like, under the names that OpenAI's clients and those of other servers give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import ANY_OBJECT, Constraint

LARK_HEADER = "%llguidance"
"""How a grammar in Lark begins where one in GBNF could stand: llama.cpp's rule."""

FORMATS = ("text", "json_object", "json_schema")

Reader = Callable[[Fields, str], Constraint | None]


def read_constraint(fields: Fields) -> Constraint | None:
    """Reads every field of `READERS`; the first that asks for something counts. SillyTavern fills in two of them at
    once, and llama.cpp's server, too, prefers the schema."""
    found = [reader(fields, name) for name, reader in READERS.items() if name in fields]
    return next((constraint for constraint in found if constraint is not None), None)


def read_format(fields: Fields, name: str) -> Constraint | None:
    """OpenAI's, and the variant of llama.cpp and of newer APIs with the schema beside the type. `strict` changes
    nothing: schemas are always kept to."""
    wanted = fields.nested(name)
    kind = wanted.text("type") or "text"
    if kind not in FORMATS:
        types = ", ".join(FORMATS)
        raise InvalidParameter("api.openai.response_format", name=wanted.place("type"), type=kind[:60], types=types)
    if kind == "text":
        return None
    inner = wanted.nested("json_schema")
    schema = _schema(inner, "schema") or _schema(wanted, "schema")
    if schema is None and kind == "json_schema":
        raise inner.missing("schema")
    return schema or ANY_OBJECT


def _schema(fields: Fields, name: str) -> Constraint | None:
    """A schema as an object, or as JSON text."""
    value = fields.take(name)
    if value in (None, ""):
        return None
    if isinstance(value, str):
        return Constraint("json_schema", value)
    if isinstance(value, dict | bool):
        return Constraint("json_schema", msgspec.json.encode(value).decode())
    raise fields.wrong(name, "object", value)


def _regex(fields: Fields, name: str) -> Constraint | None:
    text = fields.text(name)
    return Constraint("regex", text) if text else None


def _grammar(fields: Fields, name: str) -> Constraint | None:
    text = (fields.text(name) or "").strip()
    if not text:
        return None
    return Constraint("lark" if text.startswith(LARK_HEADER) else "gbnf", text)


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "response_format": read_format,
        "json_schema": _schema,
        "guided_json": _schema,
        "regex": _regex,
        "guided_regex": _regex,
        "regex_pattern": _regex,
        "grammar": _grammar,
        "grammar_string": _grammar,
        "guided_grammar": _grammar,
    }
)
"""By field, the one that counts first."""
