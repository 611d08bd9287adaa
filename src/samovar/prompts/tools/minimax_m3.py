"""MiniMax M3: arguments as XML whose every tag has a token before it, objects and arrays inside as well.

Source: the chat template of MiniMax-M3 and the parser minimax_m3.py of SGLang.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.json_text import decoded
from samovar.prompts.parsing import SPACE, Argued, Malformed, Opened, Reading, Source, expect, up_to
from samovar.prompts.tools.format import Offered, ToolFormat, as_json, is_text, json_rule, properties
from samovar.prompts.tools.lark import Marks, some_text

Schema = Mapping[str, object]

ITEM = "item"
"""The tag of each element of an array."""

MOST_NESTED = 50


@dataclass(frozen=True)
class Nested:
    """`mark` stands before every tag."""

    mark: str

    def read(self, source: Source, offered: Offered, /) -> Reading[None]:
        yield from expect(source, f'{self.mark}<invoke name="')
        name, _ = yield from up_to(source, ('">',))
        if not name or any(character in name for character in SPACE):
            raise Malformed
        yield Opened(name)
        schema = offered[name].parameters if name in offered else {}
        arguments = yield from self._value(source, "invoke", {**schema, "type": "object"}, 0)
        yield Argued(as_json(arguments))

    def write(self, call: ToolCall, _count: int, /) -> str:
        arguments = json.loads(call.arguments or "{}")
        return f'{self.mark}<invoke name="{call.name}">{self._written(arguments)}{self.mark}</invoke>'

    def begin(self, tool: Tool) -> str:
        return f'{self.mark}<invoke name="{tool.name}">'

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        return "\n".join(self._rules(name, tool.parameters, tool, "invoke", literal))

    def _value(self, source: Source, tag: str, schema: Schema, depth: int) -> Reading[object]:
        """What is written up to the end of `tag`, whose beginning was taken."""
        if is_text(schema):
            text, _ = yield from up_to(source, (f"{self.mark}</{tag}>",))
            return text
        text, _ = yield from up_to(source, (f"{self.mark}<",))
        found, _ = yield from up_to(source, (">",))
        if found == f"/{tag}":
            return _scalar(text, schema)
        members: list[tuple[str, object]] = []
        while found != f"/{tag}":
            if text.strip(SPACE) or found.startswith("/") or depth == MOST_NESTED:
                raise Malformed
            members.append((found, (yield from self._value(source, found, _inside(schema, found), depth + 1))))
            text, _ = yield from up_to(source, (f"{self.mark}<",))
            found, _ = yield from up_to(source, (">",))
        listed = schema.get("type") != "object" and all(tag == ITEM for tag, _ in members)
        return [value for _, value in members] if listed else dict(members)

    def _written(self, value: object) -> str:
        if isinstance(value, dict):
            return "".join(self._tagged(key, part) for key, part in value.items())
        if isinstance(value, list):
            return "".join(self._tagged(ITEM, part) for part in value)
        return value if isinstance(value, str) else as_json(value)

    def _tagged(self, tag: str, value: object) -> str:
        return f"{self.mark}<{tag}>{self._written(value)}{self.mark}</{tag}>"

    def _rules(self, name: str, schema: Schema, tool: Tool, tag: str, literal: Marks) -> Sequence[str]:
        """Rules that define `name` as a value of `schema`, and the end of its `tag`."""
        end = f"{self.mark}</{tag}>"
        members = [(key, part, needed) for key, (part, needed) in properties(schema).items()]
        items = schema.get("items")
        if isinstance(items, Mapping) and schema.get("type") == "array":
            begun = f"{literal(f'{self.mark}<{ITEM}>')} {name}_item"
            return [f"{name}: ({begun})* {literal(end)}", *self._rules(f"{name}_item", items, tool, ITEM, literal)]
        if members or tag == "invoke":
            parts = [
                f"({literal(f'{self.mark}<{key}>')} {name}_{i}){'' if needed else '?'}"
                for i, (key, _, needed) in enumerate(members)
            ]
            rules = [
                rule
                for i, (key, part, _) in enumerate(members)
                for rule in self._rules(f"{name}_{i}", part, tool, key, literal)
            ]
            return [f"{name}: {' '.join(parts)} {literal(end)}", *rules]
        choices = schema.get("enum")
        if is_text(schema) and isinstance(choices, list):
            return [f"{name}: {' | '.join(literal(f'{choice}{end}') for choice in choices)}"]
        if is_text(schema):
            return literal.up_to(name, end, some_text(schema))
        return [f"{name}: {json_rule(schema, tool.parameters)} {literal(end)}"]


def _inside(schema: Schema, tag: str) -> Schema:
    """The schema of what stands in a value of `schema` under `tag`."""
    items = schema.get("items")
    if isinstance(items, Mapping) and tag == ITEM:
        return items
    part, _ = properties(schema).get(tag, ({}, False))
    return part


def _scalar(text: str, schema: Schema) -> object:
    """What `text` means where it is no string for certain."""
    if not text.strip(SPACE) and schema.get("type") in ("object", "array"):
        return {} if schema["type"] == "object" else []
    try:
        return decoded(text)
    except Malformed:
        return text


_MARK = "]<]minimax[>["

MINIMAX_M3 = ToolFormat(
    name="minimax-m3",
    recognised=((_MARK, "<tool_call>"),),
    style=Nested(_MARK),
    start=f"{_MARK}<tool_call>",
    open="\n",
    close=f"\n{_MARK}</tool_call>",
    each=False,
    shown=(_MARK,),
)
