"""Keeps text that people and models wrote from becoming control tokens.

Before rendering, each occurrence of a control token's text in what was written becomes one private character that
occurs nowhere else; after rendering, the text is cut there and what the character stands for comes back as a part
of its own with `special=False`. A single character cannot be cut in two, trimmed or change its case, whatever the
template does with the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from samovar.core.errors import InvalidInput
from samovar.core.requests import Part

_PRIVATE = re.compile("[\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_PRIVATE_RANGES = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))


@dataclass(frozen=True)
class _Controls:
    """How to find the texts of one model's control tokens. `heads`, `tails`: what they begin and end with;
    `longest`: the length of the longest of these; `private`: private characters that occur in them."""

    pattern: re.Pattern[str]
    heads: frozenset[str]
    tails: frozenset[str]
    longest: int
    private: frozenset[str]


@lru_cache(maxsize=8)
def _controls(special_texts: tuple[str, ...]) -> _Controls:
    """Some models have thousands of control tokens: 25 ms, which no prompt should wait for twice."""
    special = sorted({text for text in special_texts if text}, key=len, reverse=True)
    return _Controls(
        re.compile("|".join(map(re.escape, special)) or r"(?!)"),
        frozenset(text[:cut] for text in special for cut in range(1, len(text))),
        frozenset(text[cut:] for text in special for cut in range(1, len(text))),
        len(special[0]) - 1 if special else 0,
        _private_in(special),
    )


class Disguise:
    """The private characters of one rendering: none of them occurs in `special_texts` or in `texts`, which is all
    that goes into it."""

    def __init__(self, special_texts: Iterable[str], texts: Iterable[str]) -> None:
        known = _controls(tuple(special_texts))
        self._pattern, self._heads, self._tails = known.pattern, known.heads, known.tails
        self._longest = known.longest
        self._free = _unused(known.private | _private_in(texts))
        self._meant: dict[str, str] = {}

    def mark(self) -> str:
        """A private character that stands for nothing."""
        return self._character("")

    def hide(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._character(found[0]), text)

    def hide_with_edges(self, text: str) -> str:
        """As `hide`, and also an end of `text` that a control token's text begins with, and a beginning that one
        ends with: beside the template's own text they could become one."""
        hidden = self.hide(text)
        inner = hidden.strip()
        if not inner:
            return hidden
        start = hidden.index(inner[0])
        before, after = hidden[:start], hidden[start + len(inner) :]
        sizes = range(min(self._longest, len(inner)), 0, -1)
        head = next((size for size in sizes if inner[:size] in self._tails), 0)
        tail = next((size for size in sizes if size <= len(inner) - head and inner[-size:] in self._heads), 0)
        pieces = (inner[:head], inner[len(inner) - tail :])
        first, last = (self._character(piece) if piece else "" for piece in pieces)
        return before + first + inner[head : len(inner) - tail] + last + after

    def controls(self, rendered: str) -> list[str]:
        """The control tokens' texts that `rendered` holds undisguised, in order."""
        return self._pattern.findall(rendered)

    def plain(self, rendered: str) -> str:
        """`rendered` with every private character replaced by what it stands for."""
        return "".join(self._meant.get(character, character) for character in rendered)

    def parts(self, rendered: str) -> tuple[Part, ...]:
        return tuple(part for part in self._cut(rendered) if part.text)

    def _cut(self, rendered: str) -> Iterator[Part]:
        if not self._meant:
            yield Part(rendered, special=True)
            return
        for piece in re.split(f"([{''.join(self._meant)}])", rendered):
            yield Part(self._meant.get(piece, piece), special=piece not in self._meant)

    def _character(self, meaning: str) -> str:
        known = next((character for character, text in self._meant.items() if text == meaning), None)
        if known is not None:
            return known
        character = next(self._free, None)
        if character is None:
            raise InvalidInput("prompts.no_private_characters")
        self._meant[character] = meaning
        return character


def _private_in(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(character for text in texts for character in _PRIVATE.findall(text))


def _unused(used: frozenset[str]) -> Iterator[str]:
    return (chr(code) for codes in _PRIVATE_RANGES for code in codes if chr(code) not in used)


def strings(value: object) -> Iterator[str]:
    """Every string inside nested lists and mappings, keys as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings([*value.keys(), *value.values()])
    elif isinstance(value, Sequence):
        for part in value:
            yield from strings(part)


def rewritten(value: object, rewrite: Callable[[str], str]) -> object:
    """`value` with every string inside it, keys as well, rewritten."""
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, dict):
        return {rewritten(key, rewrite): rewritten(part, rewrite) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [rewritten(part, rewrite) for part in value]
    return value
