"""Kimi K3: tags of control tokens around everything; each argument says of what type it is.

Source: the chat template of Kimi-K3. The prompt leaves the model in its thoughts or in what it says.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

_KINDS = tuple((kind, kind) for kind in ("string", "number", "boolean", "null", "object", "array"))

KIMI_K3 = ToolFormat(
    name="kimi-k3",
    recognised=(("<|open|>", "<|close|>", "<|sep|>"),),
    style=Tagged(
        '<|open|>call tool="NAME" index="COUNT"<|sep|>',
        "<|close|>call<|sep|>",
        '<|open|>argument key="',
        '" type="KIND"<|sep|>',
        "<|close|>argument<|sep|>",
        kinds=_KINDS,
    ),
    start="<|open|>tools<|sep|>",
    close="<|close|>tools<|sep|>",
    between="",
    each=False,
    shown=("<|open|>", "<|close|>", "<|sep|>"),
    saying="<|open|>response<|sep|>",
    unsaid=("<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>"),
)
