"""A JSON schema as GBNF, for clients that ask for the grammar itself.

As llama.cpp's converter: properties come in the schema's order, and there are no others unless
`additionalProperties` says so. What cannot be kept to is refused by name; annotations (`format` is one, as in JSON
Schema 2020-12) mean nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import cast

from samovar.core.errors import InvalidInput
from samovar.sampling.grammar.digits import MOST_DIGITS, between, either
from samovar.sampling.grammar.gbnf import GbnfError, read, references
from samovar.sampling.grammar.pattern_gbnf import PatternError, pattern_to_gbnf

Schema = Mapping[str, object]

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "format"}
    | {"deprecated", "readOnly", "writeOnly", "x-guidance"}
)
DEEPEST = 64

BASE: Mapping[str, str] = MappingProxyType(
    {
        "ws": r'( " " | "\n" [ \t]{0,20} )?',
        "char": r'[^"\\\x7F\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} )',
        "string": r'"\"" char* "\""',
        "integer": f'"-"? ( "0" | [1-9] [0-9]{{0,{MOST_DIGITS}}} )',
        "number": 'integer ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?',
        "boolean": '"true" | "false"',
        "null": '"null"',
        "object": '"{" ws ( string ws ":" ws value ( ws "," ws string ws ":" ws value )* ws )? "}"',
        "array": '"[" ws ( value ( ws "," ws value )* ws )? "]"',
        "value": "object | array | string | number | boolean | null",
    }
)
"""The rules of plain JSON."""

COMMA = 'ws "," ws'


def to_gbnf(schema: object) -> str:
    """Raises InvalidInput for what is no schema, and for a keyword that cannot be kept to."""
    return _Writer(schema).grammar()


def refused(keyword: str) -> InvalidInput:
    return InvalidInput("grammar.schema_keyword", keyword=keyword[:60])


class _Writer:
    """The rules of one schema. Every method gives an expression; what is used twice becomes a rule."""

    def __init__(self, schema: object) -> None:
        self._schema = schema
        self._rules: dict[str, str] = {}
        self._refs: dict[str, str] = {}
        self._depth = 0

    def grammar(self) -> str:
        root = self.value(self._schema)
        return _written({"root": root, **self._rules, **BASE})

    def value(self, schema: object) -> str:
        if schema is True or schema == {}:
            return "value"
        if not isinstance(schema, dict):
            raise refused(repr(schema))
        self._depth += 1
        if self._depth > DEEPEST:
            raise refused("$ref")
        written = self._constrained(schema)
        self._depth -= 1
        return written

    def _constrained(self, schema: Schema) -> str:
        for keyword, write in COMBINING.items():
            if keyword in schema:
                _only(schema, keyword, *(("type",) if keyword in ("enum", "const") else ()))
                return write(self, schema[keyword])
        kinds = schema.get("type") or _implied(schema)
        if isinstance(kinds, list) and kinds:
            return either([self._constrained({**_fitting(schema, kind), "type": kind}) for kind in kinds])
        if not isinstance(kinds, str):
            _only(schema)
            return "value"
        if kinds not in TYPES:
            raise refused(f"type: {kinds}")
        allowed, write_type = TYPES[kinds]
        _only(schema, "type", *allowed)
        return write_type(self, schema)

    def ref(self, pointer: object) -> str:
        if not isinstance(pointer, str):
            raise refused("$ref")
        if pointer not in self._refs:
            name = self._refs[pointer] = f"ref{len(self._refs)}"
            self._rules[name] = ""
            self._rules[name] = self.value(_resolved(self._schema, pointer))
        return self._refs[pointer]

    def any_of(self, schemas: object) -> str:
        return either([self.value(schema) for schema in _listed(schemas, "anyOf")])

    def all_of(self, schemas: object) -> str:
        only, *others = _listed(schemas, "allOf")
        if others:
            raise refused("allOf")
        return self.value(only)

    def enum(self, values: object) -> str:
        return either([self.const(value) for value in _listed(values, "enum")])

    def const(self, value: object) -> str:
        return _literal(json.dumps(value, ensure_ascii=False))

    def string(self, schema: Schema) -> str:
        if "pattern" in schema:
            return self._matching(schema)
        if "minLength" not in schema and "maxLength" not in schema:
            return "string"
        return rf'"\"" char{_times(schema, "minLength", "maxLength")} "\""'

    def _matching(self, schema: Schema) -> str:
        pattern = schema["pattern"]
        beside = next((keyword for keyword in LENGTHS if keyword in schema), None)
        if not isinstance(pattern, str) or beside is not None:
            raise refused(f"pattern, {beside}" if beside else "pattern")
        try:
            return rf'"\"" {pattern_to_gbnf(pattern)} "\""'
        except PatternError as error:
            raise refused(f"pattern: {error}") from None

    def integer(self, schema: Schema) -> str:
        low, high = _bounds(schema)
        if low is None and high is None:
            return "integer"
        ranges = between(low, high)
        if not ranges:
            raise refused("maximum")
        return either(ranges)

    def array(self, schema: Schema) -> str:
        item = self._named(self.value(schema.get("items", True)))
        least, most = _count(schema, "minItems") or 0, _count(schema, "maxItems")
        if most == 0:
            return '"[" ws "]"'
        more = f"{{{max(least - 1, 0)},{'' if most is None else most - 1}}}"
        items = f"{item} ( {COMMA} {item} ){more} ws"
        return f'"[" ws {items} "]"' if least else f'"[" ws ( {items} )? "]"'

    def record(self, schema: Schema) -> str:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise refused("properties" if not isinstance(properties, dict) else "required")
        unknown = next((name for name in required if name not in properties), None)
        if unknown is not None:
            raise refused(f"required: {unknown}")
        other = schema.get("additionalProperties", not (properties or required))
        pairs = [
            (f'{self.const(name)} ws ":" ws {self.value(inner)}', name in required)
            for name, inner in properties.items()
        ]
        if other is not False:
            pairs.append((self._others(other), False))
        return f'"{{" ws {self._members(pairs)} "}}"'

    def _named(self, expression: str) -> str:
        """A rule for what comes twice: written out twice at every level, nested arrays would fill the memory."""
        name = f"part{len(self._rules)}"
        self._rules[name] = expression
        return name

    def _others(self, schema: object) -> str:
        pair = self._named(f'string ws ":" ws {self.value(schema)}')
        return f"{pair} ( {COMMA} {pair} )*"

    def _members(self, pairs: Sequence[tuple[str, bool]]) -> str:
        """The pairs, and whether each must come, in their order, with commas between those that come."""
        number = len(self._rules)
        names = [f"pair{number}-{index}" for index in range(len(pairs))]
        self._rules.update({name: pair for name, (pair, _) in zip(names, pairs, strict=True)})
        behind = [""]
        for index, (_, needed) in reversed(list(enumerate(pairs))):
            rest = f"rest{number}-{index}"
            self._rules[rest] = f"( {COMMA} {names[index]} ){'' if needed else '?'} {behind[0]}".rstrip()
            behind.insert(0, rest)
        # One of these comes first: one that must, or any before it.
        free = len(list(takewhile(lambda pair: not pair[1], pairs)))
        firsts = [f"{name} {rest}".rstrip() for name, rest in zip(names[: free + 1], behind[1:], strict=False)]
        if not firsts:
            return "ws"
        return f"{either(firsts)} ws" if free < len(pairs) else f"( {either(firsts)} ws )?"


def _written(rules: Mapping[str, str]) -> str:
    """The grammar without the rules that `root` never comes to: an unused recursive one would make it slow."""
    lines = {name: f"{name} ::= {text}\n" for name, text in rules.items()}
    try:
        nodes = read("".join(lines.values()))
    except GbnfError as error:
        raise InvalidInput("grammar.bad_gbnf", reason=str(error)) from None
    used, found = {"root"}, ["root"]
    for name in found:
        new = set(references(nodes[name])) - used
        used |= new
        found += sorted(new)
    return "".join(line for name, line in lines.items() if name in used)


def _only(schema: Schema, *keywords: str) -> None:
    stranger = next((keyword for keyword in schema if keyword not in keywords and keyword not in ANNOTATIONS), None)
    if stranger is not None:
        raise refused(stranger)


def _implied(schema: Schema) -> str | None:
    """The type that a schema without one means."""
    return "object" if "properties" in schema else "array" if "items" in schema else None


def _fitting(schema: Schema, kind: object) -> Schema:
    """The keywords of one of several types; those of none stay, to be refused."""
    others = {keyword for name, (keywords, _) in TYPES.items() if name != kind for keyword in keywords}
    own = TYPES[kind][0] if isinstance(kind, str) and kind in TYPES else ()
    return {keyword: value for keyword, value in schema.items() if keyword in own or keyword not in others}


def _listed(value: object, keyword: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise refused(keyword)
    return value


def _resolved(schema: object, pointer: str) -> object:
    """What a pointer within the schema itself points at."""
    if not pointer.startswith("#"):
        raise refused(f"$ref: {pointer}")
    for step in filter(None, pointer[1:].split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(schema, dict) or name not in schema:
            raise refused(f"$ref: {pointer}")
        schema = schema[name]
    return schema


def _count(schema: Schema, keyword: str) -> int | None:
    count = schema.get(keyword)
    if count is not None and (type(count) is not int or count < 0):
        raise refused(keyword)
    return count


def _times(schema: Schema, least: str, most: str) -> str:
    upper = _count(schema, most)
    return f"{{{_count(schema, least) or 0},{'' if upper is None else upper}}}"


def _bounds(schema: Schema) -> tuple[int | None, int | None]:
    """The least and the largest whole number that a schema lets through."""
    for keyword in BOUNDS:
        if keyword in schema and (
            isinstance(schema[keyword], bool) or not isinstance(schema[keyword], int | float)
        ):
            raise refused(keyword)
    given = {keyword: cast(float, schema[keyword]) for keyword in BOUNDS if keyword in schema}
    lows = [math.ceil(given[name]) for name in ("minimum",) if name in given]
    lows += [math.floor(given[name]) + 1 for name in ("exclusiveMinimum",) if name in given]
    highs = [math.floor(given[name]) for name in ("maximum",) if name in given]
    highs += [math.ceil(given[name]) - 1 for name in ("exclusiveMaximum",) if name in given]
    return max(lows, default=None), min(highs, default=None)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


Write = Callable[[_Writer, Schema], str]

LENGTHS = ("minLength", "maxLength")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

TYPES: Mapping[str, tuple[tuple[str, ...], Write]] = MappingProxyType(
    {
        "object": (("properties", "required", "additionalProperties"), _Writer.record),
        "array": (("items", "minItems", "maxItems"), _Writer.array),
        "string": (("pattern", *LENGTHS), _Writer.string),
        "integer": (BOUNDS, _Writer.integer),
        "number": ((), lambda _writer, _schema: "number"),
        "boolean": ((), lambda _writer, _schema: "boolean"),
        "null": ((), lambda _writer, _schema: "null"),
    }
)
"""The keywords of each type, and what writes it."""

COMBINING: Mapping[str, Callable[[_Writer, object], str]] = MappingProxyType(
    {
        "$ref": _Writer.ref,
        "anyOf": _Writer.any_of,
        "oneOf": _Writer.any_of,
        "allOf": _Writer.all_of,
        "enum": _Writer.enum,
        "const": _Writer.const,
    }
)
"""Keywords that stand alone, but for annotations and, beside a list of values, their type."""
