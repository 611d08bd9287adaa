"""DeepSeek: V3 and R1 with a code block of JSON behind each name; V3.1 with the JSON alone.

Source: the chat templates of DeepSeek-R1-0528, DeepSeek-V3-0324 and DeepSeek-V3.1.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Framed

_MARKS = (
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
)

DEEPSEEK = ToolFormat(
    name="deepseek",
    recognised=(("<｜tool▁calls▁begin｜>", "```json"),),
    style=Framed("<｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME\n```json\n", "\n```<｜tool▁call▁end｜>"),
    start="<｜tool▁calls▁begin｜>",
    close="<｜tool▁calls▁end｜>",
    each=False,
    shown=_MARKS,
)

DEEPSEEK_V31 = ToolFormat(
    name="deepseek-v3.1",
    recognised=(("<｜tool▁calls▁begin｜>",),),
    style=Framed("<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>", "<｜tool▁call▁end｜>"),
    start="<｜tool▁calls▁begin｜>",
    close="<｜tool▁calls▁end｜>",
    between="",
    each=False,
    shown=_MARKS,
)
