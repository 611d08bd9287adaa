"""Calls as a list of Python's: [f(x=1), g(y="a")]. Llama 4 and 3.2 as the whole answer, LFM2 between its marks;
Olmo 3 a line each between tags.

Source: Meta's "Llama 4 prompt format", section zero-shot function calling, and the chat templates of LFM2-1.2B and
LFM2.5-8B-A1B; for Olmo 3, the parser olmo3_tool_parser.py of vLLM.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from samovar.core.requests import Tool, ToolCall
from samovar.prompts.json_text import decoded
from samovar.prompts.parsing import SPACE, Argued, Malformed, Opened, Reading, Source, more, skip
from samovar.prompts.tools.format import Offered, ToolFormat, as_json, json_rule, listed, properties
from samovar.prompts.tools.lark import Marks
from samovar.prompts.tools.literals import LONGEST, meaning

_HEAD = re.compile(r"([A-Za-z_][\w.\-]*)\s*\(")
_MAYBE = re.compile(r"[A-Za-z_][\w.\-]*\s*\Z")

QUOTES = ("'", '"')
_OUTSIDE = re.compile(r"[^'\"()\[\]{}]+|.", re.DOTALL)
_INSIDE = re.compile(r"\\.|[^\\'\"\r\n]+|[^\\]", re.DOTALL)
_DEEPER: Mapping[str, int] = MappingProxyType({"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1})
_ESCAPED: Mapping[str, str] = MappingProxyType({"\n": "\\n", "\r": "\\r"})
_BEHIND_A_STRING = ("", ",", ")", "]", "}", ":")


@dataclass(frozen=True)
class Pythonic:
    """name(key=value, …), values as Python or JSON writes them."""

    def read(self, source: Source, _offered: Offered, /) -> Reading[None]:
        yield from skip(source)
        while not (head := _HEAD.match(source.rest)):
            if source.rest and not _MAYBE.match(source.rest):
                raise Malformed
            yield from more(source)
        source.take(head.end())
        inside = yield from _to_the_bracket(source)
        yield Opened(head[1])
        yield Argued(as_json(_arguments(inside)))

    def write(self, call: ToolCall, _count: int, /) -> str:
        arguments = json.loads(call.arguments or "{}")
        return f"{call.name}({', '.join(f'{key}={as_json(value)}' for key, value in arguments.items())})"

    def begin(self, tool: Tool) -> str:
        return f"{tool.name}("

    def rule(self, name: str, tool: Tool, literal: Marks) -> str:
        arguments, rules = [], []
        for i, (key, (schema, needed)) in enumerate(properties(tool.parameters).items()):
            arguments.append((f"{name}_{i}", needed))
            rules.append(f"{name}_{i}: {literal(f'{key}=')} {json_rule(schema, tool.parameters)}")
        first, more_rules = listed(name, arguments, '", "')
        return "\n".join([f'{name}: {first} ")"', *more_rules, *rules])


def _to_the_bracket(source: Source) -> Reading[str]:
    """What is written up to the bracket that closes the call, which is taken as well. What templates write into
    strings as it is (quotes, as in 'It's', and line breaks) comes back escaped."""
    depth, quote, place, written = 1, "", 0, list[str]()
    while depth:
        found = (_INSIDE if quote else _OUTSIDE).match(source.rest, place)
        behind = source.rest[found.end() :].lstrip(SPACE)[:1] if found and found[0] == quote else ""
        if not found or (found[0] == quote and not behind and not source.ended):
            if place > LONGEST:
                raise Malformed
            yield from more(source)
            continue
        piece, place = found[0], found.end()
        if not quote:
            quote = piece if piece in QUOTES else ""
            depth += _DEEPER.get(piece, 0)
        elif piece != quote:
            piece = _ESCAPED.get(piece, piece)
        elif behind in _BEHIND_A_STRING:
            quote = ""
        else:
            piece = f"\\{piece}"
        written.append(piece)
    source.take(place)
    return "".join(written[:-1])


def _arguments(text: str) -> dict[str, object]:
    """Raises Malformed for positional arguments and for what is no literal."""
    try:
        call = ast.parse(f"_({text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Malformed from None
    if not isinstance(call, ast.Call) or call.args:
        raise Malformed
    return {_key(keyword): _literal(keyword.value, f"_({text})") for keyword in call.keywords}


def _key(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise Malformed
    return keyword.arg


def _literal(node: ast.expr, text: str) -> object:
    try:
        return meaning(node)
    except Malformed:
        return decoded(ast.get_source_segment(text, node) or "")


PYTHONIC = ToolFormat(
    name="pythonic",
    recognised=(("params_name1=params_value1",), ("func_name1(",)),
    style=Pythonic(),
    open="[",
    close="]",
    between=", ",
    each=False,
    begins=("",),
)

LFM = ToolFormat(
    name="lfm",
    recognised=(("<|tool_call_start|>", "<|tool_call_end|>"), ("<|tool_list_start|>",)),
    style=Pythonic(),
    start="<|tool_call_start|>",
    open="[",
    close="]<|tool_call_end|>",
    between=", ",
    each=False,
    shown=("<|tool_call_start|>", "<|tool_call_end|>"),
)

OLMO = ToolFormat(
    name="olmo",
    recognised=(("<function_calls>", "</function_calls>", "<functions>"),),
    style=Pythonic(),
    start="<function_calls>",
    close="</function_calls>",
    each=False,
)
