"""Hermes 2 and 3, Qwen 2.5 and 3 and many that followed: a JSON object in <tool_call> tags, one a call.

Source: NousResearch's Hermes-Function-Calling ("Prompt Format for Function Calling") and the chat templates of
Qwen2.5-Instruct and Qwen3.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

HERMES = ToolFormat(
    name="hermes",
    recognised=(("<tool_call>",),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start="<tool_call>",
    open="\n",
    close="\n</tool_call>",
    shown=("<tool_call>", "</tool_call>"),
)
