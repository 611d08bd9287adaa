"""The grammar that holds an answer to the tools that were offered and to the format in which the model calls them.

A call that the model may make is held to it from its mark on; one that it must make, from the beginning, or from
the end of its thoughts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from msgspec.structs import replace

from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint, Tool, Tools
from samovar.prompts.reasoning import Thinking
from samovar.prompts.tools.format import ToolFormat

LEAD = r"LEAD: /[ \n]{0,4}/"

MOST_CALLS = 32
"""Small models, once they call, would go on and on."""


def constraint(
    format: ToolFormat, tools: Tools, thinking: Thinking, *, opened: bool, wanted: Constraint | None
) -> Constraint | None:
    """What an answer with `tools` must look like. `opened`: the prompt leaves the model in its thoughts; `wanted`:
    what was asked of answers without a call. Raises InvalidInput where both cannot be held to."""
    start = (format.start,) if format.start else ()
    marks = tuple(dict.fromkeys((*format.shown, *start, thinking.open, thinking.close)))
    several = tools.parallel and tools.choice in ("auto", "required")
    rules = _Rules(format, _chosen(tools), marks, several=several)
    before = rules.thoughts(thinking, opened=opened)
    if tools.choice != "auto":
        return Constraint("lark", rules.text(f"start: {before} calls"), marks=marks)
    if wanted is not None:
        if wanted.kind != "json_schema":
            raise InvalidInput("tools.with_grammar")
        said = f"{rules.literal(format.saying)} %json {wanted.text}"
        return Constraint("lark", rules.text(f"start: {before} (calls | {said})"), marks=marks)
    if not format.lazy:
        return None
    return Constraint("lark", rules.text(rules.chosen_by_the_model(thinking, opened=opened)), marks=marks)


def form(format: ToolFormat, thinking: Thinking, wanted: Constraint, *, opened: bool) -> Constraint:
    """`wanted` of an answer that calls nothing: it holds for what is said, not for the thoughts before."""
    if format.saying and wanted.kind == "json_schema":
        rules = _Rules(format, (), format.shown, several=False)
        before = f"{rules.thoughts(thinking, opened=opened)} {rules.literal(format.saying)}"
        return Constraint("lark", f"start: {before} %json {wanted.text}", marks=format.shown)
    if opened and not wanted.start_after:
        return replace(wanted, start_after=(thinking.close,))
    return wanted


def _chosen(tools: Tools) -> Sequence[Tool]:
    if tools.choice in ("auto", "required"):
        return tools.offered
    return [tool for tool in tools.offered if tool.name == tools.choice]


class _Rules:
    def __init__(self, format: ToolFormat, tools: Sequence[Tool], marks: Sequence[str], *, several: bool) -> None:
        self._format, self._tools, self._marks, self._several = format, tools, marks, several

    def text(self, start: str) -> str:
        """`start`, and what it may name: `calls`, and `opened` for what follows a mark that was written."""
        format, literal = self._format, self.literal
        first, behind = literal(format.start), literal(format.open)
        between, close = literal(format.between), literal(format.close)
        if format.each:
            inner = f"opened: {behind} call {close} {self._more(f'{between} {first} {behind} call {close}')}"
        else:
            inner = f"opened: {behind} call {self._more(f'{between} call')} {close}"
        names = [f"call_{i}" for i in range(len(self._tools))]
        calls = [
            self._format.style.rule(name, tool, self.literal) for name, tool in zip(names, self._tools, strict=True)
        ]
        return "\n".join([start, LEAD, f"calls: {first} opened", inner, f"call: {' | '.join(names)}", *calls])

    def thoughts(self, thinking: Thinking, *, opened: bool) -> str:
        """What may, or where they are `opened` must, come before a call."""
        if self._format.musing:
            before, end, after = self._format.musing
            return f"({self.literal(before)} {self._until(end)} {self.literal(after)})?"
        rest = self._until(thinking.close)
        return f"{rest} LEAD" if opened else f"({self.literal(thinking.open)} {rest})? LEAD"

    def chosen_by_the_model(self, thinking: Thinking, *, opened: bool) -> str:
        """Any text, up to a mark by which calls begin. Thoughts may speak of such marks: an answer that begins as
        thoughts do is nothing else."""
        rest = f"rest: ANY | {self._until(self._format.start)} opened\nANY: /(?s:.*)/"
        if opened:
            return f"start: {self._until(thinking.close)} rest\n{rest}"
        first, second = (re.escape(character) for character in thinking.open[:2])
        other = rf"FIRST: /[^{first}\s]|{first}[^{second}]/"
        thoughts = f"{self.literal(thinking.open)} {self._until(thinking.close)} rest"
        return f'start: LEAD (thoughts | calls | FIRST rest | "")\nthoughts: {thoughts}\n{rest}\n{other}'

    def _until(self, mark: str) -> str:
        return f"until_{self._marks.index(mark)}"

    def _more(self, call: str) -> str:
        return f"({call}){{0,{MOST_CALLS - 1}}}" if self._several else ""

    def literal(self, text: str) -> str:
        """`text` in Lark, control tokens as the marks that the worker knows."""
        pattern = "|".join(map(re.escape, sorted(self._marks, key=len, reverse=True)))
        pieces = re.split(f"({pattern})", text)
        return " ".join(self._piece(piece) for piece in pieces if piece)

    def _piece(self, piece: str) -> str:
        if piece in self._marks:
            return f"mark_{self._marks.index(piece)}"
        return json.dumps(piece, ensure_ascii=False)
