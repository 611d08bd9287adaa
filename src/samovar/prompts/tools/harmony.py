"""GPT-OSS: every stretch of an answer goes to a channel. What is thought goes to `analysis`, what is said to
`final` or, before a call, to `commentary`; a call goes to `functions.name`.

Source: OpenAI's "Harmony response format" and the chat template of gpt-oss-20b. The prompt ends with
"<|start|>assistant"; <|call|> and <|return|> end an answer.
"""

from __future__ import annotations

import re

from samovar.prompts.json_text import argued
from samovar.prompts.parsing import (
    Broken,
    Closed,
    Entered,
    Malformed,
    Mused,
    Opened,
    Reading,
    Said,
    Source,
    Unfinished,
    ahead,
    skip,
    until,
    up_to,
)
from samovar.prompts.tools.format import Offered, ToolFormat
from samovar.prompts.tools.styles import Framed

_ENDS = ("<|end|>", "<|call|>", "<|return|>")
_HEADS = ("<|channel|>", "<|start|>")
_RECIPIENT = re.compile(r"\bto=(?:functions\.)?([\w.\-]+)")


def read(source: Source, _offered: Offered, /, *, must: bool) -> Reading[None]:
    """An answer to its end, stretch by stretch. Text outside all channels is said, if anything but calls can be.
    The prompt ends where a recipient may be named before the channel is."""
    if (yield from ahead(source, "to=")):
        yield from _stretch(source, " to=", must=must)
    while True:
        mark = yield from until(source, (*_HEADS, *_ENDS), Broken if must else Said)
        if not mark:
            return
        if mark.strip() in _HEADS:
            yield from _stretch(source, mark, must=must)


def _stretch(source: Source, mark: str, *, must: bool) -> Reading[None]:
    """Up to the mark that ends it, which is taken. A head without a message is no stretch, or a call's."""
    source.remember(mark)
    try:
        rest, _ = yield from up_to(source, ("<|message|>",))
    except Unfinished:
        source.take(len(source.rest))
        written = source.recall()
        if must:
            yield Broken(written)
        return
    head = mark + rest
    to = _RECIPIENT.search(head)
    if to:
        yield from _call(source, to[1])
        return
    source.recall()
    thinks = "analysis" in head
    yield Entered("thought" if thinks else "text")
    yield from until(source, _ENDS, Mused if thinks else Said)
    yield Entered("text")


def _call(source: Source, name: str) -> Reading[None]:
    yield Entered("call")
    try:
        yield Opened(name)
        yield from argued(source)
        yield from skip(source)
        source.recall()
        yield Closed()
        yield Entered("text")
    except Malformed as fault:
        if isinstance(fault, Unfinished):
            source.take(len(source.rest))
        written = source.recall()
        yield Entered("text")
        yield Broken(written)


HARMONY = ToolFormat(
    name="harmony",
    recognised=(("<|channel|>", "<|message|>", "<|start|>"),),
    style=Framed("<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>", ""),
    between="<|call|><|start|>assistant",
    shown=("<|channel|>", "<|message|>", "<|constrain|>", "<|start|>", "<|end|>", "<|call|>", "<|return|>"),
    begins=("",),
    whole=read,
    saying="<|channel|>final<|message|>",
    musing=("<|channel|>analysis<|message|>", "<|end|>", "<|start|>assistant"),
)
