"""Answers as models write them, and what they come to: the help that the tests of all formats share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

from samovar.core.events import Call, Delta, Event, Finish, Thought, TokenDetail, Warned
from samovar.core.requests import Completion, Message, Tool, ToolCall, Tools
from samovar.prompts.manner import Manner, Plan, plan_of
from samovar.prompts.reader import AnswerReader
from samovar.prompts.reasoning import THINK
from samovar.prompts.tools.format import ToolFormat

WEATHER = Tool(
    "get_weather",
    "The weather of a place",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "exact": {"type": "boolean"},
            "unit": {"enum": ["c", "f"]},
            "where": {"type": "array", "items": {"type": "number"}},
            "more": {"type": "object", "properties": {"note": {"type": "string"}}},
        },
        "required": ["city"],
    },
)
ADD = Tool("add", "Adds", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
TOOLS = Tools((WEATHER, ADD))


def manner(format: ToolFormat) -> Manner:
    return Manner(format, True, True, THINK)


def plan(format: ToolFormat, tools: Tools | None = TOOLS, *, prompt: str = "") -> Plan:
    completion = Completion(messages=(Message("user", "?"),), tools=tools, reads=True)
    return plan_of(completion, manner(format), prompt)


def events(plan: Plan, pieces: Sequence[str], *, live: bool = False, reason: str = "stop") -> list[Event]:
    """What an answer that comes in `pieces`, a token each, is read as."""
    count = iter(range(1000))
    reader = AnswerReader(plan.reading, live=live, new_id=lambda: f"call{next(count)}")
    found: list[Event] = []
    for place, piece in enumerate(pieces):
        found += reader.read(Delta(0, piece, (TokenDetail(place, piece.encode(), -0.5),)))
    return found + reader.read(Finish(0, reason))


class Told:
    """The events of one answer, joined."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.text = "".join(event.text for event in events if isinstance(event, Delta))
        self.thought = "".join(event.text for event in events if isinstance(event, Thought))
        self.warned = [event.note.key for event in events if isinstance(event, Warned)]
        self.reason = next(event.reason for event in events if isinstance(event, Finish))
        self.tokens = [token.id for event in events for token in getattr(event, "tokens", ())]
        grown: dict[int, tuple[str, str, str]] = {}
        for event in events:
            if isinstance(event, Call):
                id, name, arguments = grown.get(event.call, ("", "", ""))
                grown[event.call] = (id + event.id, name + event.name, arguments + event.arguments)
        self.calls = [ToolCall(*call) for call in grown.values()]

    @property
    def asked(self) -> list[tuple[str, object]]:
        """Names and arguments."""
        return [(call.name, json.loads(call.arguments)) for call in self.calls]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and vars(self) == vars(other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"Told({vars(self)})"


def told(plan: Plan, *pieces: str, live: bool = False, reason: str = "stop") -> Told:
    return Told(events(plan, pieces, live=live, reason=reason))


def cut(text: str, places: Sequence[int]) -> list[str]:
    """`text` in pieces, cut at `places`."""
    return [
        text[start:end] for start, end in pairwise(sorted({0, len(text), *(p for p in places if p < len(text))}))
    ]
