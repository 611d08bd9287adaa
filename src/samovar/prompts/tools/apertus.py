"""Apertus: an array of objects with the function's name as their only key.

Source: the parser apertus2509_detector.py of SGLang and its tests.
"""

from __future__ import annotations

from samovar.prompts.json_text import argued, members
from samovar.prompts.parsing import Malformed, Opened, Reading, Source, closing, expect
from samovar.prompts.tools.format import Offered, ToolFormat
from samovar.prompts.tools.styles import Written


class Named(Written):
    """One JSON object with the arguments under the function's name."""

    def read(self, source: Source, _offered: Offered, /) -> Reading[None]:
        yield from expect(source, "{")
        name = yield from members(source)
        if not name:
            raise Malformed
        yield Opened(name)
        yield from argued(source)
        yield from closing(source, "}")


APERTUS = ToolFormat(
    name="apertus",
    recognised=(("<|tools_prefix|>", "<|tools_suffix|>"),),
    style=Named('{"NAME": ', "}"),
    start="<|tools_prefix|>",
    open="[",
    close="]<|tools_suffix|>",
    between=", ",
    each=False,
    shown=("<|tools_prefix|>", "<|tools_suffix|>"),
)
