"""A message as chat templates expect to find it: OpenAI's shape, as a mapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType

from msgspec.structs import replace

from samovar.core.requests import Message, ToolCall
from samovar.prompts.disguise import rewritten

Turn = dict[str, object]

SHORT = 9

NOTHING: Mapping[str, object] = MappingProxyType({})


class Arguments(dict[str, object]):
    """A call's arguments. A template that writes them as they are gets JSON, not what Python makes of them."""

    def __str__(self) -> str:
        return json.dumps(self, ensure_ascii=False)


def parsed(text: str) -> object:
    """The arguments as an object where they are one, else the text."""
    try:
        meant = json.loads(text or "{}")
    except ValueError:
        return text
    return Arguments(meant) if isinstance(meant, dict) else text


def turn(message: Message, arguments: Callable[[str], object] = parsed, *, bare: bool = False) -> Turn:
    """Only what the message has: templates ask whether a key is there. `arguments`: what their text becomes;
    `bare`: a call without a text has None for a content."""
    without = bare and message.tool_calls and not message.content
    found: Turn = {"role": message.role, "content": None if without else message.content}
    if message.name:
        found["name"] = message.name
    if message.reasoning is not None:
        found["reasoning_content"] = message.reasoning
    if message.tool_calls and message.reasoning and not message.content:
        # GPT-OSS's template wants it so, and refuses both a content and thoughts.
        found["thinking"] = message.reasoning
    if message.tool_calls:
        found["tool_calls"] = [_called(call, arguments) for call in message.tool_calls]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found


def _called(call: ToolCall, arguments: Callable[[str], object]) -> Turn:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments(call.arguments)},
    }


def hidden(message: Message, hide: Callable[[str], str]) -> Message:
    """`message` with every text in it through `hide`; arguments inside their JSON, where it can be read."""

    def maybe(text: str | None) -> str | None:
        return None if text is None else hide(text)

    return replace(
        message,
        role=hide(message.role),
        content=hide(message.content),
        name=maybe(message.name),
        reasoning=maybe(message.reasoning),
        tool_call_id=maybe(message.tool_call_id),
        tool_calls=tuple(
            ToolCall(hide(call.id), hide(call.name), _hidden(call.arguments, hide)) for call in message.tool_calls
        ),
    )


def _hidden(arguments: str, hide: Callable[[str], str]) -> str:
    meant = parsed(arguments)
    if isinstance(meant, str):
        return hide(meant)
    return json.dumps(rewritten(meant, hide), ensure_ascii=False)


def short_ids(messages: Sequence[Message]) -> list[Message]:
    """Each id of a call as nine letters and digits, which is all that Mistral's templates take."""
    return [
        replace(
            message,
            tool_calls=tuple(replace(call, id=_short(call.id)) for call in message.tool_calls),
            tool_call_id=message.tool_call_id and _short(message.tool_call_id),
        )
        for message in messages
    ]


def one_call_each(messages: Sequence[Message]) -> list[Message]:
    """Calls that were made at once one after the other, each with its result, as Llama 3's templates want them."""
    results = {message.tool_call_id: message for message in messages if message.role == "tool"}
    asked = {call.id for message in messages if len(message.tool_calls) > 1 for call in message.tool_calls}
    apart: list[Message] = []
    for message in messages:
        if len(message.tool_calls) > 1:
            first, *others = message.tool_calls
            alone = [replace(message, tool_calls=(first,))]
            alone += [Message("assistant", "", tool_calls=(call,)) for call in others]
            apart += [turn for call in alone for turn in (call, results.get(call.tool_calls[0].id)) if turn]
        elif message.tool_call_id not in asked:
            apart.append(message)
    return apart


def _short(id: str) -> str:
    return id if len(id) == SHORT and id.isalnum() else blake2b(id.encode(), digest_size=8).hexdigest()[:SHORT]


def named(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Each tool's result with the name of the function that it is the result of, which some templates ask for."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return tuple(
        replace(message, name=names[message.tool_call_id])
        if message.role == "tool" and not message.name and message.tool_call_id in names
        else message
        for message in messages
    )
