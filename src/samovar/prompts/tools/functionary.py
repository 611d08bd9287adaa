"""Functionary: 3.1 with <function=name> tags; 3.2 and 2 with a recipient for each stretch of an answer, "all" being
the user.

Source: MeetKai's functionary, prompt templates v2, v3.1-llama3 and v3-llama3 ("v3.2"). The prompt of the latter two
ends where a recipient is to be named, so that an answer begins with one.
"""

from __future__ import annotations

from dataclasses import dataclass

from samovar.prompts.parsing import Malformed, Reading, Said, Source, closing, one_of, skip, until
from samovar.prompts.tools.format import Offered, ToolFormat
from samovar.prompts.tools.reading import section
from samovar.prompts.tools.styles import Framed

EVERYBODY = "all"


@dataclass(frozen=True)
class Recipients:
    """Reads an answer in stretches, each to a recipient: its name up to `behind`, the stretch up to `next`."""

    behind: str
    next: str

    def __call__(self, source: Source, offered: Offered, *, must: bool) -> Reading[None]:
        format, more = ToolFormat("stretch", (), Framed(f"NAME{self.behind}", "")), True
        while more:
            yield from skip(source)
            if not source.rest:
                return
            if (yield from self._is_to_all(source)):
                more = bool((yield from until(source, (self.next,), Said)))
            else:
                yield from section(source, "", format, offered, sure=must)
                more = yield from self._goes_on(source)

    def _is_to_all(self, source: Source) -> Reading[bool]:
        return bool((yield from one_of(source, (EVERYBODY + self.behind,))))

    def _goes_on(self, source: Source) -> Reading[bool]:
        """Whether another stretch follows a call. Its mark may be cut where all text ends."""
        try:
            return bool((yield from closing(source, self.next)))
        except Malformed:
            return bool((yield from until(source, (self.next,), Said)))


FUNCTIONARY_V31 = ToolFormat(
    name="functionary-v3.1",
    recognised=(("<function=", "</function>"),),
    style=Framed("NAME>", "</function>"),
    start="<function=",
    between="",
)

FUNCTIONARY_V32 = ToolFormat(
    name="functionary-v3.2",
    recognised=((">>>all", "<|start_header_id|>"),),
    style=Framed("NAME\n", ""),
    between=">>>",
    each=False,
    begins=("", ">>>"),
    whole=Recipients("\n", ">>>"),
)

FUNCTIONARY_V2 = ToolFormat(
    name="functionary-v2",
    recognised=(("<|from|>", "<|recipient|>", "<|content|>"),),
    style=Framed("NAME\n<|content|>", ""),
    between="\n<|from|>assistant\n<|recipient|>",
    each=False,
    shown=("<|from|>", "<|recipient|>", "<|content|>"),
    begins=("", "<|recipient|>"),
    whole=Recipients("\n<|content|>", "<|from|>assistant\n<|recipient|>"),
)
