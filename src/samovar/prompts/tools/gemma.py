"""Gemma 4 and FunctionGemma: call:name{key:value,…}, strings between marks of their own, keys bare.

Source: the chat templates of gemma-4-31B-it and functiongemma-270m-it. (Gemma 3 was trained on no format: tools are
described to it.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.json_text import MOST_NESTED, decoded
from samovar.prompts.parsing import Argued, Malformed, Opened, Reading, Source, Unfinished, begun, more
from samovar.prompts.tools.format import Offered, ToolFormat, as_json, is_text, listed, properties
from samovar.prompts.tools.lark import Marks

_HEAD = re.compile(r"\s*call:\s*([\w.\-]+)\s*\{")
_BARE = re.compile(r"[^,:{}\[\]]+")


@dataclass(frozen=True)
class Bare:
    """`quote` stands around strings, `close` behind the call."""

    quote: str
    close: str

    def read(self, source: Source, _offered: Offered, /) -> Reading[None]:
        while self.close not in source.rest and not source.ended:
            yield from more(source)
        end = source.rest.find(self.close)
        text = source.take(len(source.rest) - begun(source.rest, (self.close,)) if end < 0 else end).strip()
        head = _HEAD.match(text)
        if not head or not text.endswith("}"):
            raise Unfinished if end < 0 else Malformed
        values = _Values(text[head.end() - 1 :], self.quote)
        arguments = values.value()
        values.end()
        yield Opened(head[1])
        yield Argued(as_json(arguments))

    def write(self, call: ToolCall, _count: int, /) -> str:
        return f"call:{call.name}{self._written(json.loads(call.arguments or '{}'))}"

    def begin(self, tool: Tool) -> str:
        return f"call:{tool.name}{{"

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        text = f"{literal(self.quote)} {literal.until(self.quote)}"
        arguments, rules = [], []
        for i, (key, (schema, needed)) in enumerate(properties(tool.parameters).items()):
            arguments.append((f"{name}_{i}", needed))
            rules.append(f"{name}_{i}: {literal(f'{key}:')} {self._any_of(schema, text, f'{name}_any', literal)}")
        first, more_rules = listed(name, arguments, '","')
        return "\n".join([f'{name}: {first} "}}"', *more_rules, *rules, *_anything(f"{name}_any", text)])

    def _any_of(self, schema: Mapping[str, object], text: str, anything: str, literal: Marks) -> str:
        choices = schema.get("enum")
        if is_text(schema) and isinstance(choices, list):
            return "(" + " | ".join(literal(f"{self.quote}{choice}{self.quote}") for choice in choices) + ")"
        return text if is_text(schema) else _SCALARS.get(str(schema.get("type")), anything)

    def _written(self, value: object) -> str:
        if isinstance(value, str):
            return f"{self.quote}{value}{self.quote}"
        if isinstance(value, dict):
            return "{" + ",".join(f"{key}:{self._written(part)}" for key, part in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self._written, value)) + "]"
        return as_json(value)


_SCALARS = {
    "integer": "/-?(0|[1-9][0-9]{0,17})/",
    "number": r"/-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?/",
    "boolean": '("true" | "false")',
}


def _anything(name: str, text: str) -> list[str]:
    key = r"/[^,:{}\[\]<>\n]{1,100}/"
    return [
        f'{name}: {text} | {_SCALARS["number"]} | "true" | "false" | "null" | {name}_object | {name}_list',
        f'{name}_object: "{{" ({name}_member ("," {name}_member)*)? "}}"',
        f'{name}_member: {key} ":" {name}',
        f'{name}_list: "[" ({name} ("," {name})*)? "]"',
    ]


class _Values:
    """Reads one value from a text that is all there."""

    def __init__(self, text: str, quote: str) -> None:
        self._text, self._quote, self._at, self._depth = text, quote, 0, 0

    def value(self) -> object:
        if self._comes(self._quote):
            return self._string()
        if self._comes("{"):
            return dict(self._members("}"))
        if self._comes("["):
            return [value for _, value in self._members("]")]
        found = _BARE.match(self._text, self._at)
        if not found:
            raise Malformed
        self._at = found.end()
        return decoded(found[0].strip())

    def end(self) -> None:
        if self._text[self._at :].strip():
            raise Malformed

    def _members(self, close: str) -> list[tuple[str, object]]:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise Malformed
        found: list[tuple[str, object]] = []
        while not self._comes(close):
            if found and not self._comes(","):
                raise Malformed
            key = self._key() if close == "}" else ""
            found.append((key, self.value()))
        self._depth -= 1
        return found

    def _key(self) -> str:
        if self._comes(self._quote):
            key = self._string()
        else:
            found = _BARE.match(self._text, self._at)
            if not found:
                raise Malformed
            key, self._at = found[0].strip(), found.end()
        if not self._comes(":"):
            raise Malformed
        return key

    def _string(self) -> str:
        end = self._text.find(self._quote, self._at)
        if end < 0:
            raise Malformed
        text, self._at = self._text[self._at : end], end + len(self._quote)
        return text

    def _comes(self, mark: str) -> bool:
        """Whether `mark` is next, behind white space; then it is taken."""
        start = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        if not self._text.startswith(mark, start):
            return False
        self._at = start + len(mark)
        return True


GEMMA = ToolFormat(
    name="gemma",
    recognised=(("<|tool_call>", "<tool_call|>"),),
    style=Bare('<|"|>', "<tool_call|>"),
    start="<|tool_call>",
    close="<tool_call|>",
    between="",
    shown=("<|tool_call>", "<tool_call|>", '<|"|>'),
)

FUNCTION_GEMMA = ToolFormat(
    name="function-gemma",
    recognised=(("<start_function_call>", "<escape>"),),
    style=Bare("<escape>", "<end_function_call>"),
    start="<start_function_call>",
    close="<end_function_call>",
    between="",
    shown=("<start_function_call>", "<end_function_call>", "<escape>"),
)
