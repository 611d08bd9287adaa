"""GLM 4.5 and later: the name and one pair of tags an argument inside <tool_call>, strings as they are; since 4.7
without line breaks between them.

Source: the chat templates of GLM-4.6 and GLM-5.2.
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

GLM_47 = ToolFormat(
    name="glm-4.7",
    recognised=(("<tool_call>", "</arg_key><arg_value>"),),
    style=Tagged("NAME", "", "<arg_key>", "</arg_key><arg_value>", "</arg_value>"),
    start="<tool_call>",
    close="</tool_call>",
    between="",
    shown=("<tool_call>", "</tool_call>"),
)
