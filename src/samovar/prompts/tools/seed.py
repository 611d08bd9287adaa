"""ByteDance's Seed-OSS: as Qwen3-Coder, in tags of its own.

Source: the chat template of Seed-OSS-36B-Instruct.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

SEED = ToolFormat(
    name="seed",
    recognised=(("<seed:tool_call>",),),
    style=Tagged("<function=NAME>\n", "</function>", "<parameter=", ">", "</parameter>\n"),
    start="<seed:tool_call>",
    open="\n",
    close="\n</seed:tool_call>",
    shown=("<seed:tool_call>", "</seed:tool_call>"),
)
