"""A growing text as a sequence of units: words, marks and long blanks, with the places where they stand.

Units, not the model's tokens, are what loops are looked for in: the earlier answers of a conversation are kept as
text, one text has different tokens after different beginnings and for different models, and a repeated sentence
with another capital, comma or line break is still a repeated sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 16
"""Characters of one unit: longer runs are cut, so that an endless one becomes a sequence that repeats."""

# A word; a run of one mark; a blank that is longer than any between words.
UNIT = re.compile(
    rf"(?P<word>[^\W_]{{1,{LONGEST}}})|(?P<mark>([^\w\s]|_)\3{{0,{LONGEST - 1}}})|(?P<blank>\s{{4,{LONGEST}}})"
)


class Unit(NamedTuple):
    """`text` with case folded; `start` and `end` in characters of the whole text; `is_word`: it has a letter."""

    text: str
    start: int
    end: int
    is_word: bool


class Units:
    """Splits a text that comes in pieces, the same way wherever it is cut."""

    def __init__(self) -> None:
        self._rest = ""
        self._taken = 0

    def feed(self, text: str) -> Iterator[Unit]:
        """The units that no further text can change."""
        return self._split(self._rest + text, final=False)

    def end(self) -> Iterator[Unit]:
        """What was held back, now that the text has ended."""
        return self._split(self._rest, final=True)

    def _split(self, text: str, *, final: bool) -> Iterator[Unit]:
        begin, taken = self._taken, 0
        for match in UNIT.finditer(text):
            start, end = match.span()
            if end == len(text) and end - start < LONGEST and not final:
                break
            yield Unit(match[0].casefold(), begin + start, begin + end, _has_letter(match))
            taken = end
        self._rest = text[taken:]
        self._taken = begin + taken


def units_of(text: str) -> list[Unit]:
    """All units of a whole text."""
    return list(Units()._split(text, final=True))


def _has_letter(match: re.Match[str]) -> bool:
    return match.lastgroup == "word" and any(character.isalpha() for character in match[0])
