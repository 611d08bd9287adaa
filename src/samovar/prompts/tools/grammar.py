"""The grammar that holds an answer to the tools that were offered and to the format in which the model calls them.

A call that the model may make is held to it from its mark on; one that it must make, from the beginning, or from
the end of its thoughts.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint, Tool, Tools
from samovar.prompts.reasoning import Thinking
from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.lark import ANYTHING, Marks, quoted, unlike

LEAD = r"LEAD: /[ \n]{0,4}/"

MOST_CALLS = 32
"""Small models, once they call, would go on and on."""


def constraint(
    format: ToolFormat, tools: Tools, thinking: Thinking, *, opened: bool, wanted: Constraint | None
) -> Constraint:
    """What an answer with `tools` must look like. `opened`: the prompt leaves the model in its thoughts; `wanted`:
    what was asked of answers without a call. Raises InvalidInput where both cannot be held to."""
    marks = Marks((*format.shown, *thinking.marks))
    several = tools.parallel and tools.choice in ("auto", "required")
    rules = _Rules(format, _chosen(tools), thinking, marks, several=several)
    before = rules.thoughts(opened=opened)
    if tools.choice != "auto":
        return Constraint("lark", rules.text(f"start: {before} calls"), marks=marks.texts)
    if wanted is not None:
        if wanted.kind != "json_schema":
            raise InvalidInput("tools.with_grammar")
        said = f"{rules.literal(format.saying)} %json {wanted.text}"
        return Constraint("lark", rules.text(f"start: {before} (calls | {said})"), marks=marks.texts)
    free = rules.up_to_a_mark if format.marked else rules.up_to_a_name
    return Constraint("lark", rules.text(free(opened=opened)), marks=marks.texts)


def form(format: ToolFormat, thinking: Thinking, wanted: Constraint, *, opened: bool) -> Constraint:
    """`wanted` of an answer that calls nothing: it holds for what is said, not for the thoughts before."""
    if format.saying and wanted.kind == "json_schema" and (format.whole or opened):
        marks = Marks((*format.shown, *thinking.marks))
        rules = _Rules(format, (), thinking, marks, several=False)
        before = f"{rules.thoughts(opened=opened)} {rules.literal(format.saying)}"
        return Constraint("lark", rules.frame(f"start: {before} %json {wanted.text}"), marks=marks.texts)
    if opened and not wanted.start_after:
        return replace(wanted, start_after=(thinking.close,))
    return wanted


def _chosen(tools: Tools) -> Sequence[Tool]:
    if tools.choice in ("auto", "required"):
        return tools.offered
    return [tool for tool in tools.offered if tool.name == tools.choice]


class _Rules:
    def __init__(
        self, format: ToolFormat, tools: Sequence[Tool], thinking: Thinking, marks: Marks, *, several: bool
    ) -> None:
        self._format, self._thinking, self.literal, self._several = format, thinking, marks, several
        self._calls = [(f"call_{i}", tool) for i, tool in enumerate(tools)]

    def text(self, start: str) -> str:
        """`start`, and what it may name: `calls`; `opened` for what follows a mark that was written; `closed` for
        what follows a first call; and the rest of each function's call."""
        format = self._format
        close = self.literal(format.close)
        if format.each:
            before, closed = (
                f"{format.between}{format.start}{format.open}",
                f"{close} {self._more(f'next {close}')}",
            )
        else:
            before, closed = format.between, f"{self._more('next')} {close}"
        calls = [f"calls: {self.literal(format.start)} opened", "opened: first_call closed", f"closed: {closed}"]
        calls += [f"first_call: {self._any_call(format.open)}", f"next: {self._any_call(before)}"]
        rules = [format.style.rule(name, tool, self.literal) for name, tool in self._calls]
        return "\n".join([self.frame(start), *calls, *rules])

    def _any_call(self, before: str) -> str:
        """A call of any function. What stands before it and its beginning are one lexeme: else the lexer would
        have to know whether another call follows before it reads that."""
        return " | ".join(
            f"{self.literal(f'{before}{self._format.style.begin(tool)}')} {name}" for name, tool in self._calls
        )

    def frame(self, start: str) -> str:
        """`start`, and what it may name of all that comes before a call."""
        return "\n".join([start, LEAD, *self.literal.up_to("mused", self._thinking.close)])

    def thoughts(self, *, opened: bool) -> str:
        """What may, or where they are `opened` must, come before a call."""
        if self._format.musing:
            before, end, after = self._format.musing
            return f"({self.literal(before)} {self.literal.until(end)} {self.literal(after)})?"
        thoughts = "mused LEAD" if opened else f"({self.literal(self._thinking.open)} mused)? LEAD"
        return f"{thoughts} {self._unsaid}{{0,{len(self._format.unsaid)}}}" if self._format.unsaid else thoughts

    @property
    def _unsaid(self) -> str:
        return f"({' | '.join(map(self.literal, self._format.unsaid))})"

    def up_to_a_mark(self, *, opened: bool) -> str:
        """Any text, up to the mark by which calls begin. Thoughts may speak of such marks: an answer that begins as
        thoughts do is nothing else."""
        begun = self.literal.up_to("begun", self._format.start)
        more = f" | ANY {self._unsaid} rest" if self._format.unsaid else ""
        rest = "\n".join([f"rest: ANY | begun opened{more}", f"ANY: /{ANYTHING}/", *begun])
        if opened:
            return f"start: mused rest\n{rest}"
        other = f"FIRST: /{unlike((self._thinking.open, self._format.start))}/"
        thoughts = f"{self.literal(self._thinking.open)} mused rest"
        other_start = f" | {self._unsaid} rest" if self._format.unsaid else ""
        return f'start: LEAD ({thoughts} | calls | FIRST rest{other_start} | "")\n{rest}\n{other}'

    def up_to_a_name(self, *, opened: bool) -> str:
        """Any text, up to where a function is called that was offered."""
        behind, lexemes = self._begun()
        first = " | ".join([*behind.pop("", ()), "FREE tail", "tail"])
        marked = [f"{self.literal(mark)} ({' | '.join(calls)} | ANY tail)" for mark, calls in behind.items()]
        others = [f"{self.literal(mark)} ANY tail" for mark in self._format.shown if mark not in behind]
        tail = " | ".join(['""', *marked, *others])
        free = "(?s:.+)" if self._format.whole else unlike((self._thinking.open,), ANYTHING)
        rules = [f"first: {first}", f"tail: {tail}", f"ANY: /{ANYTHING}/", f"FREE: /{free}/", *lexemes]
        if self._format.whole:
            start = "start: first"
        elif opened:
            start = "start: mused LEAD first"
        else:
            start = f"start: LEAD (first | {self.literal(self._thinking.open)} mused LEAD first)"
        return "\n".join([start, *rules])

    def _begun(self) -> tuple[dict[str, list[str]], list[str]]:
        """(calls by the control token that they follow, "" where they follow none, lexemes by which they begin).
        Such a one is lazy: once it has come, it can be nothing else."""
        behind: dict[str, list[str]] = {}
        lexemes = []
        for i, (name, tool) in enumerate(self._calls):
            for j, before in enumerate(self._format.begins):
                text = f"{before}{self._format.open}{self._format.style.begin(tool)}"
                pieces = self.literal.cut(text)
                mark = pieces.pop(0) if pieces[0] in self._format.shown else ""
                free = "FREE? " if before and not mark else ""
                lexemes.append(f"begun_{i}_{j}[lazy]: {free}{quoted(pieces[0])}")
                call = f"begun_{i}_{j} {self.literal(''.join(pieces[1:]))} {name} closed"
                behind.setdefault(mark, []).append(call)
        return behind, lexemes

    def _more(self, call: str) -> str:
        return f"({call}){{0,{MOST_CALLS - 1}}}" if self._several else ""
