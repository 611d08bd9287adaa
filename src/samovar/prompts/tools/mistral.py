"""Mistral: [TOOL_CALLS] and a JSON array of objects up to 2024; a name and [ARGS] for each call since.

Source: mistral-common's instruct tokenizers v3 ("[TOOL_CALLS][{…}]"), v11 ("[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}")
and v13 ("[TOOL_CALLS]name[ARGS]{…}"), and the chat templates of Mistral-Nemo and Mistral-Small-3.2.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Framed, Keyed

MISTRAL = ToolFormat(
    name="mistral",
    recognised=(("[TOOL_CALLS]", "[ARGS]"),),
    style=Framed("NAME[ARGS]", "", id_mark="[CALL_ID]"),
    start="[TOOL_CALLS]",
    between="",
    shown=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"),
)

MISTRAL_ARRAY = ToolFormat(
    name="mistral-array",
    recognised=(("[TOOL_CALLS]",),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start="[TOOL_CALLS]",
    open="[",
    close="]",
    between=", ",
    each=False,
    shown=("[TOOL_CALLS]",),
)
