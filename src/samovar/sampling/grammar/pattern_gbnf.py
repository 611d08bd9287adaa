"""A `pattern` of a JSON schema as GBNF: what may stand between the quotes of a string that it matches.

Patterns are ECMAScript's, as JSON Schema says: characters, classes, groups, alternatives and repetition, with `^`
and `$` at the ends; without those they match anywhere in the string. What a grammar cannot keep to (looking around,
referring back, borders of words) is refused. Characters are written as JSON writes them shortest, never by number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from samovar.sampling.grammar.characters import LAST, Ranges, literal, of, others, spelled, union
from samovar.sampling.grammar.digits import either
from samovar.sampling.grammar.gbnf import MOST_REPEATS

DEEPEST = 32
"""Groups within groups."""

ANYTHING = "char*"
"""What may stand before and behind a pattern without anchors: a rule of plain JSON."""

NOTHING = '""'

DIGITS: Ranges = ((0x30, 0x39),)
WORDS = union((*DIGITS, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
LINE_ENDS = of("\n\r\u2028\u2029")
SPACES = union((*of(" \t\v\f\u00a0\u1680\u202f\u205f\u3000\ufeff"), *LINE_ENDS, (0x2000, 0x200A)))

CLASSES: Mapping[str, Ranges] = MappingProxyType(
    {"d": DIGITS, "w": WORDS, "s": SPACES, "D": others(DIGITS), "W": others(WORDS), "S": others(SPACES)}
)
CONTROLS: Mapping[str, str] = MappingProxyType({"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"})

_REPEAT = re.compile(r"([*+?]|\{(\d{1,6})(,(\d{0,6}))?\})\??")
_GROUP = re.compile(r"\((?:\?:|\?<[A-Za-z_]\w*>|(?!\?))")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)


class PatternError(Exception):
    """A part of a pattern that no grammar is made of; the message is that part."""


def pattern_to_gbnf(pattern: str) -> str:
    """An expression over the rule `char`. Raises PatternError."""
    return _Reader(pattern).whole()


class _Reader:
    """Recursive descent over the pattern's characters."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        """Each of the outermost alternatives has anchors of its own."""
        branches = [self._anchored()]
        while self._took("|"):
            branches.append(self._anchored())
        if self._rest:
            raise self._refused()
        return either(branches)

    @property
    def _rest(self) -> str:
        return self._pattern[self._at :]

    def _took(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _refused(self) -> PatternError:
        return PatternError(self._rest[:20] or "…")

    def _anchored(self) -> str:
        start = "" if self._took("^") else ANYTHING
        middle = self._branch()
        end = "" if self._took("$") else ANYTHING
        if not middle:
            return start or end or NOTHING
        return " ".join(filter(None, (start, middle, end)))

    def _branch(self) -> str:
        """One after the other, up to what ends a branch; neighbouring characters are one text."""
        items: list[str] = []
        text = ""
        while self._rest and self._rest[0] not in "|)$":
            item, character = self._atom()
            repeat = self._repeat()
            if character is not None and not repeat:
                text += character
                continue
            items += [literal(text)] * bool(text)
            items.append(item + repeat)
            text = ""
        return " ".join(items + [literal(text)] * bool(text))

    def _atom(self) -> tuple[str, str | None]:
        """One item, and the character that it is where it is one."""
        if self._rest[0] == "(":
            return self._group(), None
        if self._rest[0] in "*+?{^":
            raise self._refused()
        begun = self._at
        ranges = self._set() if self._took("[") else others(LINE_ENDS) if self._took(".") else self._character()
        options = spelled(ranges)
        if not options:
            self._at = begun
            raise self._refused()
        low, high = ranges[0]
        return either(options), chr(low) if len(ranges) == 1 and low == high else None

    def _group(self) -> str:
        opening = _GROUP.match(self._pattern, self._at)
        self._depth += 1
        if opening is None or self._depth > DEEPEST:
            raise self._refused()
        self._at = opening.end()
        branches = [self._branch() or NOTHING]
        while self._took("|"):
            branches.append(self._branch() or NOTHING)
        if not self._took(")"):
            raise self._refused()
        self._depth -= 1
        return f"( {' | '.join(branches)} )"

    def _repeat(self) -> str:
        """How often the item comes, as GBNF has it; lazy or not is the same to a grammar."""
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            return ""
        least, most = int(found[2] or 0), int(found[4] or found[2] or 0)
        if max(least, most) > MOST_REPEATS or (found[4] and most < least):
            raise self._refused()
        self._at = found.end()
        return found[1]

    def _set(self) -> Ranges:
        """Behind the opening bracket."""
        negated = self._took("^")
        found: list[tuple[int, int]] = []
        while not self._took("]"):
            if not self._rest:
                raise self._refused()
            low = self._character()
            if self._rest[:1] == "-" and self._rest[1:2] not in ("]", ""):
                low = self._range(low)
            found += low
        return others(found) if negated else union(found)

    def _range(self, low: Ranges) -> Ranges:
        begun = self._at
        self._took("-")
        high = self._character()
        ends = [*low, *high]
        if len(ends) != 2 or any(first != last for first, last in ends) or ends[0] > ends[1]:
            self._at = begun
            raise self._refused()
        return ((ends[0][0], ends[1][0]),)

    def _character(self) -> Ranges:
        """One character, or the class that an escape names."""
        if not self._rest.startswith("\\"):
            self._at += 1
            return of(self._pattern[self._at - 1])
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise self._refused()
        code = int(found[1] or found[2] or found[3] or "0", 16)
        name = found[4]
        known = name is None or name in CLASSES or name in CONTROLS or not name.isalnum()
        if not known or code > LAST or 0xD800 <= code <= 0xDFFF:
            raise self._refused()
        self._at = found.end()
        if name is None:
            return ((code, code),)
        return CLASSES.get(name) or of(CONTROLS.get(name, name))
