"""What came next the last time: the longest end of a text that stood in it before, and how it went on there.

Pure: sees token ids only. Nothing is computed twice: a token costs the same whatever the length of the text, and a
text that is cut back is followed back (the match finder of LZ77 with hash chains, run forwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

GRAM = 2
"""Tokens that must be the same before their places are compared any further."""
CHAIN = 32
"""Earlier places that are compared, the latest first."""
LONGEST = 64
"""A match that is as long is long enough."""

NOWHERE = -1


class Match(NamedTuple):
    """The last `length` tokens stood before `at` as well."""

    length: int
    at: int


NO_MATCH = Match(0, 0)


class Lookup:
    """Follows one text."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._latest: dict[tuple[int, ...], int] = {}
        self._before: list[int] = []
        self._match = NO_MATCH

    def follow(self, tokens: Sequence[int]) -> None:
        """`tokens` is the text now. What was known of it and is the same at its end is taken to be the same."""
        known = self._tokens
        while known and (len(known) > len(tokens) or known[-1] != tokens[len(known) - 1]):
            self._pop()
        for token in tokens[len(known) :]:
            self._push(token)

    def guess(self, count: int) -> tuple[int, list[int]]:
        """(length of the match, the `count` tokens that followed it). Where the text ends before there are so many,
        it is taken to repeat itself. (0, []) where there is no match."""
        if not self._match.length:
            self._match = self._search()
        length, at = self._match
        if not length:
            return 0, []
        period = len(self._tokens) - at
        return length, [self._tokens[at + i % period] for i in range(count)]

    def _push(self, token: int) -> None:
        length, at = self._match
        self._match = Match(length + 1, at + 1) if length and self._tokens[at] == token else NO_MATCH
        self._tokens.append(token)
        gram = tuple(self._tokens[-GRAM:])
        self._before.append(self._latest.get(gram, NOWHERE))
        self._latest[gram] = len(self._tokens)

    def _pop(self) -> None:
        gram = tuple(self._tokens[-GRAM:])
        before = self._before.pop()
        if before == NOWHERE:
            del self._latest[gram]
        else:
            self._latest[gram] = before
        self._tokens.pop()
        self._match = NO_MATCH

    def _search(self) -> Match:
        """The longest match among the latest places; of equals, the latest."""
        best, place = NO_MATCH, self._before[-1] if self._before else NOWHERE
        for _ in range(CHAIN):
            if place == NOWHERE or best.length >= LONGEST:
                break
            length = self._common(place)
            if length > best.length:
                best = Match(length, place)
            place = self._before[place - 1]
        return best

    def _common(self, place: int) -> int:
        """How many tokens before `place` are those at the end, up to LONGEST."""
        tokens, end = self._tokens, len(self._tokens)
        most = min(place, LONGEST)
        return next((i for i in range(most) if tokens[place - 1 - i] != tokens[end - 1 - i]), most)
