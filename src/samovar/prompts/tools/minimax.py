"""MiniMax: M2 with one tag an argument in a block for all calls; M1 with a JSON object a line.

Source: the chat templates of MiniMax-M2 and MiniMax-M1.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed
from samovar.prompts.tools.tagged import Tagged

MINIMAX = ToolFormat(
    name="minimax",
    recognised=(("<minimax:tool_call>",),),
    style=Tagged('<invoke name="NAME">\n', "</invoke>", '<parameter name="', '">', "</parameter>\n"),
    start="<minimax:tool_call>",
    open="\n",
    close="\n</minimax:tool_call>",
    each=False,
    shown=("<minimax:tool_call>", "</minimax:tool_call>"),
)

MINIMAX_M1 = ToolFormat(
    name="minimax-m1",
    recognised=(("<tool_calls>", "</tool_calls>", '"arguments"'),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start="<tool_calls>",
    open="\n",
    close="\n</tool_calls>",
    each=False,
)
