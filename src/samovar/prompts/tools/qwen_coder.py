"""Qwen3-Coder and Qwen3.5: XML of a kind inside <tool_call> tags, one argument a tag, strings as they are.

Source: the chat template and the parser (qwen3coder_tool_parser.py) of Qwen3-Coder-30B-A3B-Instruct.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

QWEN_CODER = ToolFormat(
    name="qwen-coder",
    recognised=(("<tool_call>", "<function=", "<parameter="),),
    style=Tagged("<function=NAME>\n", "</function>", "<parameter=", ">\n", "\n</parameter>\n"),
    start="<tool_call>",
    open="\n",
    close="\n</tool_call>",
    shown=("<tool_call>", "</tool_call>"),
)
