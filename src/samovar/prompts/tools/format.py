"""What a format of tool calls declares: how its templates are recognised, how calls are written and read.

From one declaration come the parser of what a model writes and the grammar that holds it to what was offered. Marks
are given with the white space that models write around them; a parser takes any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.parsing import Reading, Source
from samovar.prompts.tools.lark import Marks

Offered = Mapping[str, Tool]


class Whole(Protocol):
    """Reads a whole answer. `must`: it is nothing but calls."""

    def __call__(self, source: Source, offered: Offered, /, *, must: bool) -> Reading[None]: ...


class Style(Protocol):
    """How one call is written, between the marks around it."""

    def read(self, source: Source, offered: Offered, /) -> Reading[None]:
        """Opened and Argued of one call. Raises Malformed."""
        ...

    def write(self, call: ToolCall, count: int, /) -> str:
        """The call as the model would write it, the `count`-th of its answer."""
        ...

    def begin(self, tool: Tool) -> str:
        """The text that every call of `tool` begins with; its name is in it, or comes behind a number."""
        ...

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        """Lark that defines the rule `name` as the rest of any right call of `tool`; further rules' names begin
        with it."""
        ...


@dataclass(frozen=True)
class ToolFormat:
    """`recognised`: a template has this format when it has all texts of one of these. Calls begin with the mark
    `start` ("": where the answer does) and `open` behind it, and end with `close`: each of them where `each` is
    true, else all together; `between` parts them. `also`: other marks by which they may begin. `shown`: control
    tokens that calls are written with. `begins`: where `start` may be written without a call being meant, or
    nothing is, what may stand before `open` and a call, "" being the answer's beginning: there a call is known by
    the function that it names. `whole`: reads an answer with channels of its own for everything; where thoughts are
    one, `musing` is what such an answer writes before, at the end of, and after them, and `saying` what it writes
    before what it says. `unsaid`: marks around what is said."""

    name: str
    recognised: tuple[tuple[str, ...], ...]
    style: Style
    start: str = ""
    open: str = ""
    close: str = ""
    between: str = "\n"
    each: bool = True
    shown: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    whole: Whole | None = None
    musing: tuple[str, str, str] | None = None
    saying: str = ""
    unsaid: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether behind `start` nothing but a call can be meant."""
        return not self.begins

    def recognises(self, template: str) -> bool:
        return any(all(mark in template for mark in marks) for marks in self.recognised)

    def write(self, calls: Sequence[ToolCall]) -> str:
        """The calls as a model of this format writes them."""
        written = [self.style.write(call, count) for count, call in enumerate(calls)]
        opened = f"{self.start}{self.open}"
        if self.each:
            return self.between.join(f"{opened}{call}{self.close}" for call in written)
        return f"{opened}{self.between.join(written)}{self.close}"


def as_json(value: object) -> str:
    """JSON as templates write it: spaces behind commas and colons, all letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def compact(arguments: str) -> str:
    """Arguments as templates write them; what is no JSON stays as it is."""
    try:
        return as_json(json.loads(arguments or "{}"))
    except ValueError:
        return arguments


def json_rule(schema: Mapping[str, object], root: Mapping[str, object] | None = None) -> str:
    """Lark for any JSON that fits `schema`, which is part of `root`, or for an object where it is all there is.
    What of it no grammar can hold to is left to the model."""
    guidance = {"lenient": True, "whitespace_pattern": WHITESPACE}
    return "%json " + json.dumps({**_context(schema, root), **schema, "x-guidance": guidance})


def _context(schema: Mapping[str, object], root: Mapping[str, object] | None) -> dict[str, object]:
    """What holds for `schema` without being in it. Who lists arguments wants those: small models would think of
    more without end."""
    if root is not None:
        return {key: root[key] for key in ("$defs", "definitions") if key in root}
    listed = schema.get("properties") and not schema.keys() & {"allOf", "anyOf", "oneOf", "$ref"}
    return {"type": "object", "additionalProperties": False} if listed else {"type": "object"}


WHITESPACE = r"( |\n[ \t]{0,20})?"
"""Between the parts of a JSON value: a small model that may write any amount of space sometimes writes nothing
else."""


def properties(schema: Mapping[str, object]) -> dict[str, tuple[Mapping[str, object], bool]]:
    """The schema of each member of an object of `schema` by name, and whether it must be there."""
    known, needed = schema.get("properties"), schema.get("required")
    schemas = known if isinstance(known, Mapping) else {}
    must = needed if isinstance(needed, list) else []
    return {name: (schema if isinstance(schema, Mapping) else {}, name in must) for name, schema in schemas.items()}


def is_text(schema: Mapping[str, object]) -> bool:
    """Whether an argument of this schema can be nothing but a string."""
    choices = schema.get("enum")
    return schema.get("type") == "string" or (
        "type" not in schema and isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)
    )


def listed(name: str, items: Sequence[tuple[str, bool]], separator: str) -> tuple[str, list[str]]:
    """(a rule, the rules that it needs) in Lark for `items` in their order, parted by `separator`: each with its
    own rule, and whether it must be there."""
    rules = [f'{name}_a{len(items)}: ""', f'{name}_b{len(items)}: ""']
    for i, (item, needed) in enumerate(items):
        first, next = f"{name}_a{i + 1}", f"{name}_b{i + 1}"
        rules.append(f"{name}_a{i}: {item} {next}" + ("" if needed else f" | {first}"))
        rules.append(f"{name}_b{i}: {separator} {item} {next}" + ("" if needed else f" | {next}"))
    return f"{name}_a0", rules
