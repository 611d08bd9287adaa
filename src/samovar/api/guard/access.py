"""What each address needs: a table of beginnings, the longest that fits counting. What is not in it needs admin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from samovar.api.dialects.dialect import Dialect
from samovar.api.errors import begins
from samovar.core.keys import RANKS, KeyScope

Need = KeyScope | Literal["open"]
"""`open`: whoever comes under an allowed name; who shows a key is known by it."""

HOUSE: Mapping[str, Need] = MappingProxyType(
    {
        "/health": "open",
        "/v1/health": "open",
        "/c/": "open",
        "/samovar/": "admin",
        "/samovar/session": "open",
    }
)
"""The house's own addresses. What the page is made of is open besides: it holds nothing of anybody's."""


class Access:
    """`exact`: addresses that are what they need only as a whole; `beginnings`: those that do with all behind."""

    def __init__(self, beginnings: Mapping[str, Need], exact: Mapping[str, Need] = MappingProxyType({})) -> None:
        self._exact = dict(exact)
        self._beginnings = sorted(beginnings.items(), key=lambda pair: -len(pair[0]))

    def knowing(self, paths: Iterable[str]) -> Access:
        """The same table, with what each of `paths` needs looked up once for all."""
        return Access(dict(self._beginnings), {path: self.needed(path) for path in paths})

    def needed(self, path: str) -> Need:
        found = self._exact.get(path)
        if found is not None:
            return found
        return next((need for beginning, need in self._beginnings if begins(path, beginning)), "admin")


def access(dialects: Iterable[Dialect], page: Iterable[str]) -> Access:
    """The table of everything that is served: the house's own, the dialects', and the `page`'s files. An address
    that two of them name needs the more of both."""
    beginnings: dict[str, Need] = {}
    exact: dict[str, Need] = dict.fromkeys(page, "open")
    for dialect in dialects:
        exact |= dict.fromkeys(dialect.open, "open")
        asked: KeyScope = "infer"
        own = dict.fromkeys(dialect.prefixes, asked) | dict(dialect.scopes)
        for beginning, need in own.items():
            beginnings[beginning] = _stricter(beginnings.get(beginning), need)
    return Access(beginnings | dict(HOUSE), exact)


def _stricter(one: Need | None, other: KeyScope) -> KeyScope:
    return one if one is not None and one != "open" and RANKS[one] > RANKS[other] else other
