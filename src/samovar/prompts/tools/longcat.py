"""Meituan's LongCat Flash: JSON objects as Hermes has them, in later models arguments as GLM has them, in tags of
its own.

Source: the parsers of vLLM (LongCat Flash) and MLX (LongCat Flash Lite).
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed
from samovar.prompts.tools.tagged import Tagged

_START, _END = "<longcat_tool_call>", "</longcat_tool_call>"

LONGCAT = ToolFormat(
    name="longcat",
    recognised=((_START, "<longcat_arg_key>"),),
    style=Tagged(
        "NAME\n",
        "",
        "<longcat_arg_key>",
        "</longcat_arg_key>\n<longcat_arg_value>",
        "</longcat_arg_value>\n",
    ),
    start=_START,
    close=_END,
    shown=(_START, _END),
)

LONGCAT_JSON = ToolFormat(
    name="longcat-json",
    recognised=((_START,),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start=_START,
    open="\n",
    close=f"\n{_END}",
    shown=(_START, _END),
)
