"""How a chat template writes earlier calls, found out by giving it one: some write a call only of a message without
a content, and some know the form in which a model calls, but leave out what it called."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from samovar.core.errors import InvalidInput
from samovar.core.requests import Message, ToolCall
from samovar.prompts.template import render


class Calls(Enum):
    """WRITTEN: as they are given; BARE: where the message has no content, not even an empty one; OMITTED: not at
    all."""

    WRITTEN = "written"
    BARE = "bare"
    OMITTED = "omitted"


_NAMES = ("call_on_trial", "another_on_trial")
_CALLS = tuple(ToolCall(f"a1b2c3d4{i}", name, '{"a": 1}') for i, name in enumerate(_NAMES))


def _turns(calls: tuple[ToolCall, ...]) -> tuple[Message, ...]:
    results = (Message("tool", "1", name=call.name, tool_call_id=call.id) for call in calls)
    return (Message("user", "?"), Message("assistant", "", tool_calls=calls), *results)


@lru_cache(maxsize=16)
def calls_in(template: str) -> Calls:
    """WRITTEN as well where the template refuses what it is given here, or fails."""
    for bare, found in ((False, Calls.WRITTEN), (True, Calls.BARE)):
        try:
            tried = render(template, _turns(_CALLS[:1]), bare=bare)
        except InvalidInput:
            return Calls.WRITTEN
        if tried.notes and not bare:
            return Calls.WRITTEN
        if not tried.notes and _NAMES[0] in tried.text:
            return found
    return Calls.OMITTED


@lru_cache(maxsize=16)
def forgets_calls(template: str, *, bare: bool = False) -> bool:
    """Whether of several calls made at once the template writes only the first, without a word."""
    try:
        tried = render(template, _turns(_CALLS), bare=bare)
    except InvalidInput:
        return False
    return not tried.notes and [name in tried.text for name in _NAMES] == [True, False]
