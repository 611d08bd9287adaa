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


_NAME, _ID = "call_on_trial", "a1b2c3d4e"
_TURNS = (
    Message("user", "?"),
    Message("assistant", "", tool_calls=(ToolCall(_ID, _NAME, '{"a": 1}'),)),
    Message("tool", "1", name=_NAME, tool_call_id=_ID),
)


@lru_cache(maxsize=16)
def calls_in(template: str) -> Calls:
    """WRITTEN as well where the template refuses what it is given here, or fails."""
    for bare, found in ((False, Calls.WRITTEN), (True, Calls.BARE)):
        try:
            tried = render(template, _TURNS, bare=bare)
        except InvalidInput:
            return Calls.WRITTEN
        if tried.notes and not bare:
            return Calls.WRITTEN
        if not tried.notes and _NAME in tried.text:
            return found
    return Calls.OMITTED
