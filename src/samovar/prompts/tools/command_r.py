"""Cohere's Command: R7B and A with an array between control tokens; R and R+ with "Action:" and a code block.

Source: the tool-use chat templates of c4ai-command-r7b-12-2024 and c4ai-command-r-plus. The ids that R7B counts its
calls by begin again with every answer, so that they are not taken for the calls' own.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

COMMAND_R7B = ToolFormat(
    name="command-r7b",
    recognised=(("<|START_ACTION|>", "<|END_ACTION|>"),),
    style=Keyed('{"tool_call_id": "COUNT", "tool_name": "NAME", "parameters": ', "}", names=("tool_name",), ids=()),
    start="<|START_ACTION|>",
    open="[\n    ",
    close="\n]<|END_ACTION|>",
    between=",\n    ",
    each=False,
    shown=("<|START_ACTION|>", "<|END_ACTION|>"),
)

COMMAND_R = ToolFormat(
    name="command-r",
    recognised=(("Action:", "tool_name"),),
    style=Keyed('{"tool_name": "NAME", "parameters": ', "}", names=("tool_name",), ids=()),
    start="Action:",
    open=" ```json\n[\n    ",
    close="\n]\n```",
    between=",\n    ",
    each=False,
    begins=("Action:",),
)
