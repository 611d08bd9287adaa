"""From the items of a response to messages, and to the form in which they are kept.

What a model thought, said and called in one answer are items of their own there, and one message here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from samovar.api.reading.body import Fields, Json
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Message, ToolCall

ROLES: Mapping[str, str] = MappingProxyType(
    {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
)

TEXT_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "input_text": "text",
        "output_text": "text",
        "text": "text",
        "reasoning_text": "text",
        "summary_text": "text",
        "refusal": "refusal",
    }
)
"""By the type of a part, the field with its text."""


def items_of(body: Json) -> list[Json]:
    """The `input` of a body as items. Raises InvalidParameter."""
    value = body.get("input")
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        fields = Fields(body)
        raise fields.missing("input") if value is None else fields.wrong("input", "string or array of items", value)
    return list(value)


def messages_of(items: Iterable[Json]) -> list[Message]:
    """Raises InvalidParameter that names the item."""
    messages: list[Message] = []
    for item in Fields({"input": list(items)}).objects("input"):
        kind = item.text("type") or "message"
        if kind not in READERS:
            known = ", ".join(READERS)
            raise InvalidParameter("responses.item", name=item.place(""), type=kind[:60], known=known)
        message = READERS[kind](item)
        if messages and message.role == "assistant" == messages[-1].role:
            messages[-1] = _joined(messages[-1], message)
        else:
            messages.append(message)
    return messages


def kept(items: Iterable[Json], stem: str) -> list[Json]:
    """The items as they are given back later: with ids and types, and contents as parts."""
    return [_kept(item, f"{stem}_in{place}") for place, item in enumerate(items)]


def _kept(item: Json, stem: str) -> Json:
    kind, id = str(item.get("type") or "message"), item.get("id")
    whole: Json = {**item, "type": kind, "id": id if id and isinstance(id, str) else f"{PREFIXES[kind]}_{stem}"}
    if kind == "message" and not isinstance(content := item.get("content"), list):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        whole["content"] = [{"type": part, "text": content or ""}]
    return whole


def _joined(first: Message, second: Message) -> Message:
    return Message(
        "assistant",
        _lines(first.content, second.content),
        reasoning=_lines(first.reasoning, second.reasoning) or None,
        tool_calls=first.tool_calls + second.tool_calls,
    )


def _lines(*texts: str | None) -> str:
    return "\n".join(text for text in texts if text)


def _message(item: Fields) -> Message:
    role = item.text("role")
    if role is None:
        raise item.missing("role")
    if role not in ROLES:
        roles = ", ".join(ROLES)
        raise InvalidParameter("responses.role", name=item.place("role"), role=role[:60], roles=roles)
    return Message(ROLES[role], _text(item, "content"))


def _reasoning(item: Fields) -> Message:
    """Its summary only where the thoughts themselves are not there."""
    thought, summary = _text(item, "content"), _text(item, "summary")
    return Message("assistant", "", reasoning=thought or summary or None)


def _function_call(item: Fields) -> Message:
    name, call, arguments = item.text("name"), item.text("call_id"), item.take("arguments")
    if not name:
        raise item.missing("name")
    if arguments is not None and not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    return Message("assistant", "", tool_calls=(ToolCall(call or "", name, arguments or "{}"),))


def _function_call_output(item: Fields) -> Message:
    call = item.text("call_id")
    if not call:
        raise item.missing("call_id")
    return Message("tool", _text(item, "output"), tool_call_id=call)


def _text(fields: Fields, name: str) -> str:
    """A text, or parts of text, each a line of its own; absent is empty."""
    if not isinstance(fields.rest.get(name), list):
        return fields.text(name) or ""
    return "\n".join(_part(part) for part in fields.objects(name))


def _part(part: Fields) -> str:
    kind = part.text("type") or "text"
    if kind not in TEXT_FIELDS:
        raise InvalidParameter("responses.only_text", name=part.place(""), type=kind[:60])
    words = part.text(TEXT_FIELDS[kind])
    if words is None:
        raise part.missing(TEXT_FIELDS[kind])
    return words


READERS: Mapping[str, Callable[[Fields], Message]] = MappingProxyType(
    {
        "message": _message,
        "reasoning": _reasoning,
        "function_call": _function_call,
        "function_call_output": _function_call_output,
    }
)

PREFIXES: Mapping[str, str] = MappingProxyType(
    {"message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco"}
)
"""How ids of items begin."""
