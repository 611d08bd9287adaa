"""Sber's GigaChat: 3 with a JSON object behind a token, 3.5 with the tags of DeepSeek V4 and a token of its own.

Source: the chat template of GigaChat-3.5; for 3, the parser gigachat3_detector.py of SGLang. (The first template of
3 puts calls into a message of their own, behind the token that ends an answer: of it nothing is read.)
"""

from samovar.prompts.tools.dsml import markup
from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

GIGACHAT = ToolFormat(
    name="gigachat",
    recognised=(("<|function_call|>", "<|role_sep|>"),),
    style=Keyed('{"name": "NAME", "arguments": ', "}"),
    start="<|function_call|>",
    between="",
    shown=("<|function_call|>",),
)

GIGACHAT_35 = markup("gigachat-3.5", (("｜GCML｜",),), "｜GCML｜", "tool_calls")
