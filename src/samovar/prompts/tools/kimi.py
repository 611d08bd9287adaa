"""Kimi K2: calls in a section of control tokens, each with an id of its name and its number, which the model wants
back with the result.

Source: "Tool call guidance" of Kimi-K2-Instruct.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Framed

KIMI = ToolFormat(
    name="kimi",
    recognised=(("<|tool_calls_section_begin|>",), ("tool_declare", "<|im_middle|>")),
    style=Framed(
        "<|tool_call_begin|>functions.NAME:COUNT<|tool_call_argument_begin|>",
        "<|tool_call_end|>",
        id_head="functions.",
    ),
    start="<|tool_calls_section_begin|>",
    close="<|tool_calls_section_end|>",
    between="",
    each=False,
    shown=(
        "<|tool_calls_section_begin|>",
        "<|tool_calls_section_end|>",
        "<|tool_call_begin|>",
        "<|tool_call_argument_begin|>",
        "<|tool_call_end|>",
    ),
)
