"""The two ways in which most formats write a call with its arguments as JSON: one object with both, or the name in
marks and the arguments behind them."""

from __future__ import annotations

from dataclasses import dataclass

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.json_text import argued, decoded, encoded, members, string, value
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
    skip,
    up_to,
)
from samovar.prompts.tools.format import Offered, compact, json_rule
from samovar.prompts.tools.lark import Marks

NAME, COUNT = "NAME", "COUNT"
"""What stands in a style's texts for the function's name, and for how many calls came before."""


@dataclass(frozen=True)
class Written:
    """A call is `before`, its arguments, `after`. `before` has NAME in it, and maybe COUNT."""

    before: str
    after: str

    def write(self, call: ToolCall, count: int) -> str:
        before = self.before.replace(COUNT, str(count)).replace(NAME, call.name)
        return f"{before}{compact(call.arguments)}{self.after}"

    def begin(self, tool: Tool) -> str:
        return self.before.partition(COUNT)[0].replace(NAME, tool.name)

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        counted = self.before.split(COUNT)[1:]
        before = " ".join(f"/[0-9]{{1,3}}/ {literal(text.replace(NAME, tool.name))}" for text in counted)
        return f"{name}: {before} {json_rule(tool.parameters)} {literal(self.after)}"


@dataclass(frozen=True)
class Keyed(Written):
    """One JSON object with the name and the arguments under keys of their own, in any order. Some models write the
    arguments' JSON as a string."""

    names: tuple[str, ...] = ("name",)
    arguments: tuple[str, ...] = ("arguments", "parameters")
    ids: tuple[str, ...] = ("id",)

    def read(self, source: Source, _offered: Offered, /) -> Reading[None]:
        yield from expect(source, "{")
        name, id, early, whole = "", "", "", False
        try:
            while key := (yield from members(source)):
                if key in self.names:
                    name = yield from string(source)
                elif key in self.ids:
                    id = (yield from value(source)).strip('"')
                elif key not in self.arguments:
                    yield from value(source)
                elif name and not whole:
                    yield Opened(name, id)
                    yield from _object(source)
                    whole = True
                else:
                    early = yield from value(source)
        except Unfinished:
            if not whole:
                raise
            source.take(len(source.rest))
        if not name:
            raise Malformed
        if not whole:
            yield Opened(name, id)
            yield Argued(_unwrapped(early))


@dataclass(frozen=True)
class Framed(Written):
    """The name between the two halves of `before`, then the arguments. `id_mark`: what may stand between the name
    and an id. `id_head`: what the name and its count make an id behind; "" where they make none."""

    id_mark: str = ""
    id_head: str = ""

    def read(self, source: Source, _offered: Offered, /) -> Reading[None]:
        head, _, tail = self.before.partition(NAME)
        count, _, tail = tail.rpartition(COUNT) if COUNT in tail else ("", "", tail)
        if head.strip(SPACE):
            yield from expect(source, head.strip(SPACE))
        yield from skip(source)
        if tail.strip(SPACE):
            name, _ = yield from up_to(source, (tail.strip(SPACE),))
        else:
            name = yield from _up_to_brace(source)
        written = name.strip(SPACE)
        name, _, id = written.partition(self.id_mark) if self.id_mark else (written, "", "")
        plain = name.rpartition(count)[0] if count else name
        if not plain or any(character in plain for character in SPACE):
            raise Malformed
        yield Opened(plain, self.id_head + name if self.id_head else id)
        yield from argued(source)
        if after := self.after.strip(SPACE):
            yield from closing(source, after)


def _up_to_brace(source: Source) -> Reading[str]:
    while "{" not in source.rest:
        yield from more(source)
    return source.take(source.rest.index("{"))


def _object(source: Source) -> Reading[None]:
    yield from skip(source)
    if source.rest.startswith('"'):
        yield Argued(_unwrapped((yield from value(source))))
    else:
        yield from argued(source)


def _unwrapped(text: str) -> str:
    """The JSON text of an object, given as such or inside a string; no text is an object without members."""
    meant = decoded(text or "{}")
    if isinstance(meant, str):
        text, meant = meant, decoded(meant or "{}")
    if not isinstance(meant, dict):
        raise Malformed
    return text if text.strip() else encoded(meant)
