"""Ollama's messages as ours: calls get the ids that its clients leave out, so that each answer finds its call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.reading.body import Fields
from samovar.api.reading.tools import read_calls
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Message, ToolCall

ROLES: Mapping[str, str] = MappingProxyType(
    {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
)


def read_messages(fields: Fields) -> tuple[Message, ...]:
    """All of `messages`; none where the field is absent. Raises InvalidParameter."""
    open_calls: list[ToolCall] = []
    messages: list[Message] = []
    for item in fields.objects("messages"):
        message = _message(item, len(messages))
        open_calls += message.tool_calls
        messages.append(_answering(message, open_calls))
    return tuple(messages)


def _message(fields: Fields, place: int) -> Message:
    said = fields.text("role")
    if said is None:
        raise fields.missing("role")
    role = ROLES.get(said)
    if role is None:
        raise InvalidParameter("ollama.role", name=fields.place("role"), role=said[:60], roles=", ".join(ROLES))
    if fields.take("images"):
        raise InvalidParameter("api.field_refused", name=fields.place("images"))
    tool, name = fields.text("tool_name"), fields.text("name")
    calls = read_calls(fields)
    return Message(
        role,
        fields.text("content") or "",
        name=tool or name,
        reasoning=fields.text("thinking") or None,
        tool_calls=tuple(_named(call, f"call_{place}_{i}") for i, call in enumerate(calls)),
        tool_call_id=fields.text("tool_call_id"),
    )


def _named(call: ToolCall, id: str) -> ToolCall:
    return call if call.id else msgspec.structs.replace(call, id=id)


def _answering(message: Message, open_calls: list[ToolCall]) -> Message:
    """A tool's message with the id of the call that it answers: the one it names by id or by function, else the
    first; of those that have no answer yet."""
    if message.role != "tool":
        return message
    if message.tool_call_id:
        fitting = [call for call in open_calls if call.id == message.tool_call_id]
    else:
        fitting = [call for call in open_calls if message.name in (None, call.name)]
    if not fitting:
        return message
    open_calls.remove(fitting[0])
    return msgspec.structs.replace(message, name=fitting[0].name, tool_call_id=fitting[0].id)
