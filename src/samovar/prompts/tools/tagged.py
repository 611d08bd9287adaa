"""Calls whose arguments are written one by one between marks, strings as they are and all else as JSON:
Qwen3-Coder, GLM, MiniMax, Seed-OSS. Which of them are strings only the function's schema can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

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
from samovar.prompts.tools.format import Literal, Offered, as_json, is_text, json_rule, properties

NAME = "NAME"


@dataclass(frozen=True)
class Tagged:
    """A call is `before` with its name, its arguments, `after`. An argument is `key_open`, its name, `key_close`,
    its value, `value_close`."""

    before: str
    after: str
    key_open: str
    key_close: str
    value_close: str

    def read(self, source: Source, offered: Offered) -> Reading[None]:
        head, _, tail = self.before.partition(NAME)
        if head.strip(SPACE):
            yield from expect(source, head.strip(SPACE))
        key_open, key_close = self.key_open.strip(SPACE), self.key_close.strip(SPACE)
        name = yield from _name(source, tail.strip(SPACE))
        schemas = properties(offered[name]) if name in offered else {}
        yield Opened(name)
        yield Argued("{")
        separator = ""
        while (yield from self._another(source, key_open)):
            key, _ = yield from up_to(source, (key_close,))
            text, _ = yield from up_to(source, (self.value_close.strip(SPACE),))
            schema, _ = schemas.get(key.strip(SPACE), ({}, False))
            yield Argued(f"{separator}{as_json(key.strip(SPACE))}: {_value(self._bare(text), schema)}")
            separator = ", "
        yield Argued("}")

    def write(self, call: ToolCall, _count: int, /) -> str:
        arguments = json.loads(call.arguments or "{}")
        written = (
            f"{self.key_open}{key}{self.key_close}{value if isinstance(value, str) else as_json(value)}"
            f"{self.value_close}"
            for key, value in arguments.items()
        )
        return f"{self.before.replace(NAME, call.name)}{''.join(written)}{self.after}"

    def begin(self, tool: Tool) -> str:
        return self.before.replace(NAME, tool.name)

    def rule(self, name: str, tool: Tool, literal: Literal) -> str:
        arguments, rules = [], []
        for i, (key, (schema, needed)) in enumerate(properties(tool).items()):
            arguments.append(f"{name}_{i}" if needed else f"{name}_{i}?")
            before = literal(f"{self.key_open}{key}{self.key_close}")
            if is_text(schema):
                rules += [
                    f"{name}_{i}: {before} {name}_{i}_text",
                    *_text_rule(f"{name}_{i}_text", schema, self, literal),
                ]
            else:
                rules.append(
                    f"{name}_{i}: {before} {json_rule(schema, tool.parameters)} {literal(self.value_close)}"
                )
        return "\n".join([f"{name}: {' '.join(arguments)} {literal(self.after)}", *rules])

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

    def _bare(self, text: str) -> str:
        """The value without the line breaks that stand around it."""
        head, tail = self.key_close.endswith("\n"), self.value_close.startswith("\n")
        text = text[1:] if head and text.startswith("\n") else text
        return text[:-1] if tail and text.endswith("\n") else text


def _text_rule(name: str, schema: Mapping[str, object], style: Tagged, literal: Literal) -> list[str]:
    """A string: one of those that there are, or anything up to the mark that ends it."""
    choices = schema.get("enum")
    if isinstance(choices, list):
        written = (literal(f"{choice}{style.value_close}") for choice in choices)
        return [f"{name}: {' | '.join(written)}"]
    end = style.value_close
    some, last = f"{name.upper()}_SOME", f"{name.upper()}_LAST"
    return [f"{name}[lazy]: {some} {last}", f"{some}: /(?s:.*)/", f"{last}: {json.dumps(end)}"]


def _value(text: str, schema: Mapping[str, object]) -> str:
    """The JSON text of a value that was written as `text`."""
    if is_text(schema):
        return as_json(text)
    try:
        decoded(text.strip(SPACE))
    except Malformed:
        return as_json(text)
    return text.strip(SPACE)


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


_LINE = re.compile(r"[^\n<]+")
