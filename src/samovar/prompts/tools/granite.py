"""JSON arrays behind a mark: IBM's Granite 3, Microsoft's Phi-4-mini, NVIDIA's Nemotron.

Source: the chat templates of granite-3.3-8b-instruct, Phi-4-mini-instruct and Llama-3_3-Nemotron-Super-49B-v1_5.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

_CALL = Keyed('{"name": "NAME", "arguments": ', "}")

PHI = ToolFormat(
    name="phi",
    recognised=(("<|tool_call|>", "<|/tool_call|>"),),
    style=_CALL,
    start="<|tool_call|>",
    open="[",
    close="]<|/tool_call|>",
    between=", ",
    each=False,
    shown=("<|tool_call|>", "<|/tool_call|>"),
)

GRANITE = ToolFormat(
    name="granite",
    recognised=(("<|tool_call|>",),),
    style=_CALL,
    start="<|tool_call|>",
    open="[",
    close="]",
    between=", ",
    each=False,
    shown=("<|tool_call|>",),
)

NEMOTRON = ToolFormat(
    name="nemotron",
    recognised=(("<TOOLCALL>",),),
    style=_CALL,
    start="<TOOLCALL>",
    open="[",
    close="]</TOOLCALL>",
    between=", ",
    each=False,
)
