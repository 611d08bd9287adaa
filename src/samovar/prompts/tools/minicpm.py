"""OpenBMB's MiniCPM 5: XML with the arguments in <param> tags, with CDATA around texts that have tags in them.

Source: the parser minicpm5_detector.py of SGLang and the chat template of MiniCPM5.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

MINICPM = ToolFormat(
    name="minicpm",
    recognised=(('<function name="', '<param name="'),),
    style=Tagged('NAME">', "</function>", '<param name="', '">', "</param>", quotes=("<![CDATA[", "]]>")),
    start='<function name="',
    between="",
)
