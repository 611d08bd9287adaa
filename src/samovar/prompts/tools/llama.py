"""Llama 3.1 to 3.3: a bare JSON object as the whole answer, several parted by semicolons; sometimes behind
<|python_tag|>, which else begins code for a built-in interpreter.

Source: the chat template of Llama-3.1-8B-Instruct and Meta's "Llama 3.1 prompt format", section JSON based tool
calling. Nothing but its place tells such a call from an answer in JSON: only an object with a name is one.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.styles import Keyed

LLAMA = ToolFormat(
    name="llama",
    recognised=(("<|python_tag|>",), ("<|start_header_id|>", '"parameters"')),
    style=Keyed('{"name": "NAME", "parameters": ', "}"),
    between="; ",
    each=False,
    shown=("<|python_tag|>",),
    begins=("", "<|python_tag|>"),
    also=("<|python_tag|>",),
)
