"""What a format of tool calls declares: how its templates are recognised, how calls are written and read.

From one declaration come the parser of what a model writes and the grammar that holds it to what was offered. Marks
are given with the white space that models write around them; a parser takes any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.parsing import SPACE, Reading, Source

Literal = Callable[[str], str]
"""A text as a grammar in Lark has it."""

Offered = Mapping[str, Tool]


class Style(Protocol):
    """How one call is written, between the marks around it."""

    def read(self, source: Source, offered: Offered) -> Reading[None]:
        """Opened and Argued of one call. Raises Malformed."""
        ...

    def write(self, call: ToolCall, count: int) -> str:
        """The call as the model would write it, the `count`-th of its answer."""
        ...

    def rule(self, name: str, tool: Tool, literal: Literal) -> str:
        """Lark that defines the rule `name` as any right call of `tool`; further rules' names begin with it."""
        ...


@dataclass(frozen=True)
class ToolFormat:
    """`recognised`: a template has this format when it has all texts of one of these. `open` and `close` stand
    around each call where `each` is true, else around all of them, which `between` parts. `shown`: control tokens
    that calls are written with. `lazy`: from `open` on nothing but a call can be meant, so that a grammar may
    begin there. `whole`: reads an answer with channels of its own for everything, thoughts included."""

    name: str
    recognised: tuple[tuple[str, ...], ...]
    style: Style
    open: str
    close: str
    between: str = "\n"
    each: bool = True
    shown: tuple[str, ...] = ()
    lazy: bool = True
    also: tuple[str, ...] = ()
    whole: Callable[[Source, Offered], Reading[None]] | None = None

    @property
    def start(self) -> str:
        """The mark by which calls begin; "": they begin where the answer does."""
        return self.open.strip(SPACE)

    @property
    def behind(self) -> str:
        """What of `open` follows that mark."""
        return self.open.lstrip(SPACE)[len(self.start) :]

    def recognises(self, template: str) -> bool:
        return any(all(mark in template for mark in marks) for marks in self.recognised)

    def write(self, calls: Sequence[ToolCall]) -> str:
        """The calls as a model of this format writes them."""
        written = [self.style.write(call, count) for count, call in enumerate(calls)]
        if self.each:
            return self.between.join(f"{self.open}{call}{self.close}" for call in written)
        return f"{self.open}{self.between.join(written)}{self.close}"


def as_json(value: object) -> str:
    """JSON as templates write it: spaces behind commas and colons, all letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def compact(arguments: str) -> str:
    """Arguments as templates write them; what is no JSON stays as it is."""
    try:
        return as_json(json.loads(arguments or "{}"))
    except ValueError:
        return arguments


def json_rule(schema: Mapping[str, object]) -> str:
    """Lark for any JSON that fits `schema`. What of it no grammar can hold to is left to the model."""
    plain = {"type": "object"} | dict(schema)
    return "%json " + json.dumps(plain | {"x-guidance": {"lenient": True, "whitespace_pattern": WHITESPACE}})


WHITESPACE = r"( |\n[ \t]{0,20})?"
"""Between the parts of a JSON value: a small model that may write any amount of space sometimes writes nothing
else."""
