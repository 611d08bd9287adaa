"""ServiceNow's Apriel: an array of JSON objects between tags.

Source: the chat template of Apriel-1.6-15b-Thinker.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

APRIEL = ToolFormat(
    name="apriel",
    recognised=(("<tool_calls>[",),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start="<tool_calls>",
    open="[",
    close="]</tool_calls>",
    between=", ",
    each=False,
    shown=("<tool_calls>", "</tool_calls>"),
)
