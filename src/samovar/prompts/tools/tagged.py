"""Calls whose arguments are written one by one between marks, strings as they are and all else as JSON:
Qwen3-Coder, GLM, MiniMax, Seed-OSS and others. Which of them are strings some formats say with each argument; in
the others only the function's schema can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.json_text import decoded
from samovar.prompts.parsing import (
    SPACE,
    Argued,
    Malformed,
    Opened,
    Reading,
    Source,
    Unfinished,
    closing,
    expect,
    more,
    one_of,
    skip,
    up_to,
)
from samovar.prompts.tools.format import Offered, as_json, is_text, json_rule, properties
from samovar.prompts.tools.lark import ANYTHING, Marks, quoted, some_text, unlike
from samovar.prompts.tools.literals import python_value

NAME, COUNT, KIND = "NAME", "COUNT", "KIND"
"""What stands in a style's texts for the function's name, for which call of the answer it is, and for the kind of
an argument."""

Kinds = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tagged:
    """A call is `before` with its name and maybe its number, its arguments, `after`. An argument is `key_open`, its
    name, `key_close`, its value, `value_close`. `kinds`: (a type in JSON, what stands for KIND in `key_close` where
    the value has it). `quotes`: what may stand around a string with marks in it."""

    before: str
    after: str
    key_open: str
    key_close: str
    value_close: str
    kinds: Kinds = ()
    quotes: tuple[str, str] = ("", "")

    def read(self, source: Source, offered: Offered) -> Reading[None]:
        head, _, tail = self.before.partition(NAME)
        if head.strip(SPACE):
            yield from expect(source, head.strip(SPACE))
        key_open = self.key_open.strip(SPACE)
        closes = [_BETWEEN_TAGS.split(close.strip(SPACE))[0] for close in self._closes(dict(self.kinds))]
        behind_key = "".join(_BETWEEN_TAGS.split(self.key_close.strip(SPACE))[1:])
        string = self._closes(["string"])[0].strip(SPACE) if self.kinds else ""
        tail, _, behind = tail.partition(COUNT)
        name = yield from _name(source, tail.strip(SPACE))
        if behind:
            yield from up_to(source, (behind.strip(SPACE),))
        schemas = properties(offered[name].parameters) if name in offered else {}
        yield Opened(name)
        yield Argued("{")
        separator = ""
        while (yield from self._another(source, key_open)):
            key, close = yield from up_to(source, closes)
            if behind_key:
                yield from expect(source, behind_key)
            text = yield from self._value(source)
            schema, _ = schemas.get(key.strip(SPACE), ({}, False))
            said = close == string if self.kinds else is_text(schema)
            yield Argued(f"{separator}{as_json(key.strip(SPACE))}: {_meant(text, said)}")
            separator = ", "
        yield Argued("}")

    def write(self, call: ToolCall, count: int, /) -> str:
        arguments = json.loads(call.arguments or "{}")
        written = (
            f"{self.key_open}{key}{self._closes([_type(value)])[0]}"
            f"{self._quoted(value) if isinstance(value, str) else as_json(value)}{self.value_close}"
            for key, value in arguments.items()
        )
        before = self.before.replace(COUNT, str(count + 1)).replace(NAME, call.name)
        return f"{before}{''.join(written)}{self.after}"

    def begin(self, tool: Tool) -> str:
        return self.before.partition(COUNT)[0].replace(NAME, tool.name)

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        arguments, rules, texts = [], [], {some_text({}): f"{name}_text"}
        for i, (key, (schema, needed)) in enumerate(properties(tool.parameters).items()):
            arguments.append(f"{name}_{i}" if needed else f"{name}_{i}?")
            text = texts.setdefault(some_text(schema), f"{name}_{i}_text")
            rules.append(f"{name}_{i}: {self._argument(key, schema, tool, text, literal)}")
        rules += [rule for some, text in texts.items() for rule in self._text(text, some, literal)]
        _, counted, behind = self.before.partition(COUNT)
        number = f"/[0-9]{{1,3}}/ {literal(behind)}" if counted else ""
        call = f"{name}: {number} {' '.join(arguments)} {literal(self.after)}"
        return "\n".join([call, *rules])

    def _argument(self, key: str, schema: Mapping[str, object], tool: Tool, text: str, literal: Marks) -> str:
        """Lark for one argument. `text`: the rule for any string."""
        types, choices, forms = _types(schema), schema.get("enum"), []
        if is_text(schema) or (self.kinds and "string" in types):
            if isinstance(choices, list):
                written = (f"{choice}{self.value_close}" for choice in choices if isinstance(choice, str))
                text = f"({' | '.join(map(literal, written))})"
            opened = literal(f"{self.key_open}{key}{self._closes(('string',))[0]}")
            forms.append(f"{opened} {text}")
        if not is_text(schema):
            begun = (f"{self.key_open}{key}{close}" for close in self._closes(types - {"string"}))
            value = f"{json_rule(schema, tool.parameters)} {literal(self.value_close)}"
            forms.append(f"({' | '.join(map(literal, begun))}) {value}")
        return " | ".join(forms)

    def _text(self, name: str, some: str, literal: Marks) -> list[str]:
        """Rules that define `name` as `some` string, up to the mark that ends it; with quotes as any."""
        opening, closing = self.quotes
        if not opening:
            return literal.up_to(name, self.value_close, some)
        return [
            f"{name}: {name}_bare | {quoted(opening)} {name}_inside",
            *literal.up_to(f"{name}_bare", self.value_close, f"({unlike((opening,), ANYTHING, '')})?"),
            *literal.up_to(f"{name}_inside", f"{closing}{self.value_close}"),
        ]

    def _closes(self, types: Collection[str]) -> list[str]:
        """`key_close` for values of `types`, or of any where none of these is known."""
        words = [word for type, word in self.kinds if type in types] or [word for _, word in self.kinds] or [""]
        return [self.key_close.replace(KIND, word) for word in dict.fromkeys(words)]

    def _another(self, source: Source, key_open: str) -> Reading[bool]:
        """Whether another argument begins; else the call has ended."""
        after = self.after.strip(SPACE)
        yield from skip(source)
        found = yield from one_of(source, (key_open, after))
        if not found and source.ends_in(key_open):
            # Nothing says that the last argument has been written.
            raise Unfinished
        if not found and after:
            yield from closing(source, after)
        return found == key_open

    def _value(self, source: Source) -> Reading[str]:
        """The text of a value, without quotes and the line breaks that stand around it."""
        close, (opening, closing) = self.value_close.strip(SPACE), self.quotes
        if opening and (yield from one_of(source, (opening,))):
            text, _ = yield from up_to(source, (f"{closing}{close}",))
            return text
        text, _ = yield from up_to(source, (close,))
        head, tail = self.key_close.endswith("\n"), self.value_close.startswith("\n")
        text = text[1:] if head and text.startswith("\n") else text
        return text[:-1] if tail and text.endswith("\n") else text

    def _quoted(self, text: str) -> str:
        opening, closing = self.quotes
        return f"{opening}{text}{closing}" if opening and "<" in text else text


def _type(value: object) -> str:
    """The type in JSON of a value that was JSON."""
    return _TYPES[type(value)]


def _types(schema: Mapping[str, object]) -> set[str]:
    """The types that a value of `schema` may have, so far as `schema` says so."""
    named = schema.get("type")
    values = schema.get("enum")
    if isinstance(named, str | list):
        known = {named} if isinstance(named, str) else {type for type in named if isinstance(type, str)}
        return known | ({"number"} if "integer" in known else set())
    if isinstance(values, list):
        return {_TYPES.get(type(value), "string") for value in values}
    return {*_TYPES.values()}


def _meant(text: str, said: bool) -> str:
    """The JSON text of a value that was written as `text`. `said`: it is a string."""
    if said:
        return as_json(text)
    bare = text.strip(SPACE)
    try:
        decoded(bare)
        return bare
    except Malformed:
        pass
    try:
        return as_json(python_value(bare))
    except Malformed:
        return as_json(text)


def _name(source: Source, end: str) -> Reading[str]:
    """The function's name, up to `end`, or where a line or another mark begins."""
    yield from skip(source)
    if end:
        name, _ = yield from up_to(source, (end,))
    else:
        while not (found := _LINE.match(source.rest)) or (found.end() == len(source.rest) and not source.ended):
            yield from more(source)
        name = source.take(found.end())
    if not name.strip(SPACE) or any(character in name.strip(SPACE) for character in SPACE):
        raise Malformed
    return name.strip(SPACE)


_BETWEEN_TAGS = re.compile(r"(?<=>)\s*(?=<)")
_LINE = re.compile(r"[^\n<]+")

_TYPES: Mapping[type, str] = MappingProxyType(
    {
        str: "string",
        bool: "boolean",
        int: "number",
        float: "number",
        type(None): "null",
        dict: "object",
        list: "array",
    }
)
