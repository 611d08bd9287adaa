"""Tools for a model whose template knows none: they are described to it in a system message, in the form that most
models know (Hermes), and earlier calls and their results become text."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from samovar.core.requests import Message, Tool
from samovar.prompts.tools.format import as_json
from samovar.prompts.tools.hermes import HERMES

_BEFORE = """# Tools

You can call functions. These are the ones there are, each as a JSON object in a line of its own:
<tools>
"""
_AFTER = """
</tools>

To call a function, write a JSON object with its name and its arguments inside <tool_call></tool_call>:
<tool_call>
{"name": "the function's name", "arguments": {"an argument's name": "its value"}}
</tool_call>
The results come back inside <tool_response></tool_response>."""


def definition(tool: Tool) -> dict[str, object]:
    """A tool as OpenAI's API has it, which is what templates expect."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def described(messages: Sequence[Message], tools: Sequence[Tool]) -> tuple[Message, ...]:
    """`messages` with the tools explained at their beginning, and nothing in them but text."""
    plain = tuple(map(_as_text, messages))
    if not tools:
        return plain
    words = _BEFORE + "\n".join(as_json(definition(tool)) for tool in tools) + _AFTER
    if plain and plain[0].role == "system":
        return (replace(plain[0], content=f"{plain[0].content}\n\n{words}".lstrip()), *plain[1:])
    return (Message("system", words), *plain)


def _as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", f"<tool_response>\n{message.content}\n</tool_response>")
    if not message.tool_calls:
        return message
    written = HERMES.write(message.tool_calls)
    return replace(message, content=f"{message.content}\n{written}".lstrip(), tool_calls=())
