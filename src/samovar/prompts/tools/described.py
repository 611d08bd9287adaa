"""Tools for a model whose template lists none: they are described to it in a system message. Where it does not know
calls either, they are to have the form that most models know (Hermes), and earlier ones become text."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from samovar.core.requests import Message, Tool, ToolCall
from samovar.prompts.tools.format import ToolFormat, as_json
from samovar.prompts.tools.hermes import HERMES

_BEFORE = """# Tools

You can call functions. These are the ones there are, each as a JSON object in a line of its own:
<tools>
"""
_AFTER = """
</tools>

To call a function, answer in exactly this form, with its name and its arguments:
"""
_EXAMPLE = ToolCall("", "function_name", '{"argument_name": "value"}')


def definition(tool: Tool) -> dict[str, object]:
    """A tool as OpenAI's API has it, which is what templates expect."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def described(messages: Sequence[Message], tools: Sequence[Tool], format: ToolFormat) -> tuple[Message, ...]:
    """`messages` with the tools explained at their beginning, which are to be called in `format`."""
    if not tools:
        return tuple(messages)
    listed = "\n".join(as_json(definition(tool)) for tool in tools)
    words = f"{_BEFORE}{listed}{_AFTER}{format.write((_EXAMPLE,))}"
    if messages and messages[0].role == "system":
        return (replace(messages[0], content=f"{messages[0].content}\n\n{words}".lstrip()), *messages[1:])
    return (Message("system", words), *messages)


def as_text(messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` with nothing in them but text: for templates that know neither calls nor results."""
    return tuple(map(_as_text, messages))


def calls_as_text(messages: Sequence[Message], format: ToolFormat) -> tuple[Message, ...]:
    """`messages` with earlier calls as the text that the model wrote: for templates that leave them out."""
    return tuple(
        replace(message, content=f"{message.content}\n{format.write(message.tool_calls)}".lstrip(), tool_calls=())
        if message.tool_calls
        else message
        for message in messages
    )


def _as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", f"<tool_response>\n{message.content}\n</tool_response>")
    if not message.tool_calls:
        return message
    written = HERMES.write(message.tool_calls)
    return replace(message, content=f"{message.content}\n{written}".lstrip(), tool_calls=())
