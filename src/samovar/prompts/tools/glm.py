"""GLM 4.5 and later: the name and one pair of tags an argument inside <tool_call>, strings as they are.

Source: the chat template of GLM-4.6.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

GLM = ToolFormat(
    name="glm",
    recognised=(("<tool_call>", "<arg_key>", "<arg_value>"),),
    style=Tagged("NAME\n", "", "<arg_key>", "</arg_key>\n<arg_value>", "</arg_value>\n"),
    start="<tool_call>",
    close="</tool_call>",
    shown=("<tool_call>", "</tool_call>"),
)
