"""How a model answers that is prompted with one template: how it writes its thoughts, and how its tool calls; and
from that, what one request asks of the worker and of the reader of its answer."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace

from samovar.core.requests import Completion, Constraint, Tools
from samovar.prompts.parsing import Entered, Plain, Reading, Said, Source, until
from samovar.prompts.reasoning import Thinking, thinking_of, thoughts
from samovar.prompts.template import goes_on_thinking
from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.grammar import constraint, form
from samovar.prompts.tools.hermes import HERMES
from samovar.prompts.tools.reading import content
from samovar.prompts.tools.registry import format_of


@dataclass(frozen=True)
class Manner:
    """`knows_calls`: `format` is the template's own, which writes earlier calls and their results; else those have
    to be text. `knows_tools`: it also lists the tools; else they have to be described to the model."""

    format: ToolFormat
    knows_calls: bool
    knows_tools: bool
    thinking: Thinking

    @property
    def opening(self) -> str:
        """What the model writes before its thoughts."""
        return self.format.musing[0] if self.format.musing else f"{self.thinking.open}\n"

    @property
    def closing(self) -> str:
        """What it writes behind them."""
        return self.format.musing[1] if self.format.musing else self.thinking.close


@dataclass(frozen=True)
class Plan:
    """One answer. `live`: a grammar holds all its calls to the format, so that they can be handed on as they come.
    `opened`: the prompt has begun its thoughts; `within`: it ends in the middle of them."""

    manner: Manner
    tools: Tools | None
    opened: bool
    constraint: Constraint | None
    within: bool = False
    live: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """Control tokens without which thoughts and calls could not be told from the answer."""
        thinking, format = self.manner.thinking, self.manner.format
        calls = format.shown if self.tools or format.whole or format.unsaid else ()
        return (*thinking.marks, *calls)

    def loosened(self, completion: Completion) -> Plan | None:
        """The same with calls of any arguments, for schemas that no grammar can be made of. None without tools."""
        if self.tools is None:
            return None
        offered = tuple(replace(tool, parameters={}) for tool in self.tools.offered)
        tools, manner = replace(self.tools, offered=offered), self.manner
        held = constraint(manner.format, tools, manner.thinking, opened=self.opened, wanted=completion.constraint)
        return dataclasses.replace(self, constraint=held)

    def reading(self, source: Source) -> Reading[None]:
        """Tells one choice of the answer apart, from its first character to its last."""
        format = self.manner.format
        offered = {tool.name: tool for tool in self.tools.offered} if self.tools else {}
        must = self.tools is not None and self.tools.choice != "auto"
        if self.within:
            marks = Thinking(self.manner.opening, self.manner.closing)
            yield from thoughts(source, marks, opened=True, within=True)
        if format.whole:
            yield from format.whole(source, offered, must=must)
            return
        if not self.within:
            yield from thoughts(source, self.manner.thinking, opened=self.opened)
        if self.tools or format.unsaid:
            yield from content(source, format, offered, must=must, held=self.live)
        else:
            yield Entered("text")
            yield Plain()
            yield from until(source, (), Said)


@lru_cache(maxsize=16)
def manner_of(template: str) -> Manner:
    """What is known from the template's text."""
    format = format_of(template)
    lists = bool(format) and re.search(r"\btools\b", template) is not None
    return Manner(format or HERMES, format is not None, lists, thinking_of(template))


def plan_of(completion: Completion, manner: Manner, prompt: str) -> Plan:
    """What to ask of the worker for `completion`, whose prompt was rendered to `prompt`. Raises InvalidInput where
    its tools and its own constraint exclude each other."""
    tools = completion.tools if completion.tools and completion.tools.choice != "none" else None
    within = completion.continue_last and not manner.thinking.is_open(prompt) and _muses(completion, manner)
    opened = within or manner.thinking.is_open(prompt)
    wanted = completion.constraint
    if tools is None:
        held = wanted and form(manner.format, manner.thinking, wanted, opened=opened)
        return Plan(manner, None, opened, held, within)
    held = constraint(manner.format, tools, manner.thinking, opened=opened, wanted=wanted)
    live = manner.format.marked or tools.choice != "auto" or wanted is not None
    return Plan(manner, tools, opened, held, within, live)


def _muses(completion: Completion, manner: Manner) -> bool:
    """Whether the answer that is to go on has not come to the end of its thoughts."""
    last = completion.messages[-1]
    return goes_on_thinking(last) or manner.thinking.is_unfinished(last.content)
