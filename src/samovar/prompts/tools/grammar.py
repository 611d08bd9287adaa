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

ANYTHING = "(?s:.*)"

MOST_CALLS = 32
"""Small models, once they call, would go on and on."""


def constraint(
    format: ToolFormat, tools: Tools, thinking: Thinking, *, opened: bool, wanted: Constraint | None
) -> Constraint:
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
    free = rules.up_to_a_mark if format.marked else rules.up_to_a_name
    return Constraint("lark", rules.text(free(thinking, opened=opened)), marks=marks)


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
        self._format, self._marks, self._several = format, marks, several
        self._calls = [(f"call_{i}", tool) for i, tool in enumerate(tools)]

    def text(self, start: str) -> str:
        """`start`, and what it may name: `calls`; `opened` for what follows a mark that was written; `closed` for
        what follows a first call; and the rest of each function's call."""
        format, literal = self._format, self.literal
        first, behind = literal(format.start), literal(format.open)
        between, close = literal(format.between), literal(format.close)
        if format.each:
            closed = f"{close} {self._more(f'{between} {first} {behind} call {close}')}"
        else:
            closed = f"{self._more(f'{between} call')} {close}"
        begun = [f"{literal(format.style.begin(tool))} {name}" for name, tool in self._calls]
        rules = [format.style.rule(name, tool, literal) for name, tool in self._calls]
        frame = [f"calls: {first} opened", f"opened: {behind} call closed", f"closed: {closed}"]
        return "\n".join([start, LEAD, *frame, f"call: {' | '.join(begun)}", *rules])

    def thoughts(self, thinking: Thinking, *, opened: bool) -> str:
        """What may, or where they are `opened` must, come before a call."""
        if self._format.musing:
            before, end, after = self._format.musing
            return f"({self.literal(before)} {self._until(end)} {self.literal(after)})?"
        rest = self._until(thinking.close)
        return f"{rest} LEAD" if opened else f"({self.literal(thinking.open)} {rest})? LEAD"

    def up_to_a_mark(self, thinking: Thinking, *, opened: bool) -> str:
        """Any text, up to the mark by which calls begin. Thoughts may speak of such marks: an answer that begins as
        thoughts do is nothing else."""
        rest = f"rest: ANY | {self._until(self._format.start)} opened\nANY: /{ANYTHING}/"
        if opened:
            return f"start: {self._until(thinking.close)} rest\n{rest}"
        other = f"FIRST: /{unlike((thinking.open, self._format.start))}/"
        thoughts = f"{self.literal(thinking.open)} {self._until(thinking.close)} rest"
        return f'start: LEAD (thoughts | calls | FIRST rest | "")\nthoughts: {thoughts}\n{rest}\n{other}'

    def up_to_a_name(self, thinking: Thinking, *, opened: bool) -> str:
        """Any text, up to where a function is called that was offered."""
        behind, lexemes = self._begun()
        first = " | ".join([*behind.pop("", ()), "FREE tail", "tail"])
        marked = [f"{self.literal(mark)} ({' | '.join(calls)} | ANY tail)" for mark, calls in behind.items()]
        others = [f"{self.literal(mark)} ANY tail" for mark in self._format.shown if mark not in behind]
        tail = " | ".join(['""', *marked, *others])
        free = "(?s:.+)" if self._format.whole else unlike((thinking.open,), ANYTHING)
        rules = [f"first: {first}", f"tail: {tail}", f"ANY: /{ANYTHING}/", f"FREE: /{free}/", *lexemes]
        thought = f"{self._until(thinking.close)} LEAD first"
        if self._format.whole:
            start = "start: first"
        elif opened:
            start = f"start: {thought}"
        else:
            start = f"start: LEAD (first | {self.literal(thinking.open)} {thought})"
        return "\n".join([start, *rules])

    def _begun(self) -> tuple[dict[str, list[str]], list[str]]:
        """(calls by the control token that they follow, "" where they follow none, lexemes by which they begin).
        Such a one is lazy: once it has come, it can be nothing else."""
        behind: dict[str, list[str]] = {}
        lexemes = []
        for i, (name, tool) in enumerate(self._calls):
            for j, before in enumerate(self._format.begins):
                text = f"{before}{self._format.open}{self._format.style.begin(tool)}"
                pieces = self._cut(text, self._format.shown)
                mark = pieces.pop(0) if pieces[0] in self._format.shown else ""
                free = "FREE? " if before and not mark else ""
                lexemes.append(f"begun_{i}_{j}[lazy]: {free}{self._quoted(pieces[0])}")
                call = f"begun_{i}_{j} {self.literal(''.join(pieces[1:]))} {name} closed"
                behind.setdefault(mark, []).append(call)
        return behind, lexemes

    def _until(self, mark: str) -> str:
        return f"until_{self._marks.index(mark)}"

    def _more(self, call: str) -> str:
        return f"({call}){{0,{MOST_CALLS - 1}}}" if self._several else ""

    def literal(self, text: str) -> str:
        """`text` in Lark, control tokens as the marks that the worker knows."""
        return " ".join(
            f"mark_{self._marks.index(piece)}" if piece in self._marks else self._quoted(piece)
            for piece in self._cut(text, self._marks)
        )

    def _cut(self, text: str, marks: Sequence[str]) -> list[str]:
        """`marks` in `text`, and what stands before, between and behind them."""
        pattern = "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))
        return [piece for piece in re.split(f"({pattern})", text) if piece] if marks else [text]

    def _quoted(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)


def unlike(marks: Sequence[str], behind: str = "", nor: str = r"\s") -> str:
    """A regular expression for texts that begin with none of `marks`, and with no space (`nor`): up to the
    character in which they differ from all of them, then `behind`; or a mark's beginning, if that is all."""
    heads = sorted({mark[0] for mark in marks})
    tails = ([mark[1:] for mark in marks if mark[0] == head] for head in heads)
    other = f"[^{''.join(map(re.escape, heads))}{nor}]{behind}"
    begun = (
        f"{re.escape(head)}({unlike(tail, behind, '')})?"
        for head, tail in zip(heads, tails, strict=True)
        if all(tail)
    )
    return "|".join([other, *begun])
