"""From Anthropic's messages to the core's: one of theirs may be several of ours, because results of tools are
blocks of a user's message there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Message, ToolCall

BILLING = re.compile(r"x-anthropic-billing-header:[^\n]*\n?")
"""What Claude Code writes before its system prompt for Anthropic's own bookkeeping. It differs in every request, so
that no prompt would continue the one before it; the model has no use for it."""


def read_system(fields: Fields) -> tuple[Message, ...]:
    text = BILLING.sub("", read_text(fields, "system"), count=1)
    return (Message("system", text),) if text else ()


def read_messages(fields: Fields) -> tuple[Message, ...]:
    messages = [message for turn in fields.objects("messages") for message in _turn(turn)]
    if not messages:
        raise fields.missing("messages")
    return tuple(messages)


def read_text(fields: Fields, name: str) -> str:
    """A text, or blocks of text, each a line of its own; absent is empty."""
    if not isinstance(fields.rest.get(name), list):
        return fields.text(name) or ""
    return "\n".join(_words(block, _kind(block)) for block in fields.objects(name))


def _turn(fields: Fields) -> list[Message]:
    role = fields.text("role")
    if role is None:
        raise fields.missing("role")
    if role not in ROLES:
        roles = ", ".join(ROLES)
        raise InvalidParameter("anthropic.role", name=fields.place("role"), role=role[:60], roles=roles)
    if not isinstance(fields.rest.get("content"), list):
        return [Message(role, fields.text("content") or "")]
    return ROLES[role](fields.objects("content"))


def _user(blocks: list[Fields]) -> list[Message]:
    results: list[Message] = []
    texts: list[str] = []
    for block in blocks:
        kind = _kind(block)
        if kind == "tool_result":
            results.append(_result(block))
        else:
            texts.append(_words(block, kind))
    return [*results, Message("user", "\n".join(texts))] if texts or not results else results


def _assistant(blocks: list[Fields]) -> list[Message]:
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    for block in blocks:
        match _kind(block):
            case "thinking":
                thoughts.append(block.text("thinking") or "")
            case "redacted_thinking":
                # Only its author could read it.
                pass
            case "tool_use":
                calls.append(_call(block))
            case kind:
                texts.append(_words(block, kind))
    return [Message("assistant", "\n".join(texts), reasoning="\n".join(thoughts) or None, tool_calls=tuple(calls))]


def _system(blocks: list[Fields]) -> list[Message]:
    return [Message("system", "\n".join(_words(block, _kind(block)) for block in blocks))]


ROLES: Mapping[str, Callable[[list[Fields]], list[Message]]] = MappingProxyType(
    {"user": _user, "assistant": _assistant, "system": _system}
)


def _result(block: Fields) -> Message:
    answered = block.text("tool_use_id")
    if not answered:
        raise block.missing("tool_use_id")
    return Message("tool", read_text(block, "content"), tool_call_id=answered)


def _call(block: Fields) -> ToolCall:
    name, arguments = block.text("name"), block.take("input")
    if not name:
        raise block.missing("name")
    if arguments is not None and not isinstance(arguments, dict):
        raise block.wrong("input", "object", arguments)
    return ToolCall(block.text("id") or "", name, msgspec.json.encode(arguments or {}).decode())


def _words(block: Fields, kind: str) -> str:
    """The text of a block that is nothing but text. Raises InvalidParameter for any other."""
    if kind not in TEXTS:
        raise InvalidParameter("anthropic.only_text", name=block.place(""), type=kind[:60])
    return TEXTS[kind](block)


def _text(block: Fields) -> str:
    text = block.text("text")
    if text is None:
        raise block.missing("text")
    return text


def _search_result(block: Fields) -> str:
    lines = (block.text("title"), block.text("source"), read_text(block, "content"))
    return "\n".join(line for line in lines if line)


def _document(block: Fields) -> str:
    source = block.nested("source")
    kind = source.text("type") or "text"
    if kind not in SOURCES:
        raise InvalidParameter("anthropic.only_text", name=source.place("type"), type=kind[:60])
    lines = (block.text("title"), block.text("context"), read_text(source, SOURCES[kind]))
    return "\n".join(line for line in lines if line)


SOURCES: Mapping[str, str] = MappingProxyType({"text": "data", "content": "content"})
"""In which field the text of a document is, by the type of its source."""

TEXTS: Mapping[str, Callable[[Fields], str]] = MappingProxyType(
    {"text": _text, "search_result": _search_result, "document": _document}
)


def _kind(block: Fields) -> str:
    return block.text("type") or "text"
