"""Sets of characters as ranges of code points, and what they are between the quotes of a JSON string, as GBNF."""

from __future__ import annotations

import json
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Sorted, apart, both ends included."""

HALVES = (0xD800, 0xDFFF)
"""Halves of surrogate pairs: no characters."""

LAST = 0x10FFFF

ESCAPED = '"\\\b\f\n\r\t'
"""Characters that a JSON string has as a backslash and a letter only."""

UNSPOKEN: Ranges = ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F))
"""What is never written as it is. Of these only `ESCAPED` are written at all."""


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def others(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Every character but these."""
    found, start = [], 0
    for low, high in union([*ranges, HALVES]):
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


def of(text: str) -> Ranges:
    """The characters of `text`."""
    return union((ord(character), ord(character)) for character in text)


def spelled(ranges: Ranges) -> list[str]:
    """GBNF for one of these characters in a JSON string, as alternatives; none where JSON has no short way to write
    any of them."""
    plain = others((*others(ranges), *UNSPOKEN))
    escaped = [character for character in ESCAPED if any(low <= ord(character) <= high for low, high in ranges)]
    found = [literal(chr(plain[0][0])) if _is_one(plain) else f"[{''.join(map(_range, plain))}]"] if plain else []
    return found + [literal(character) for character in escaped]


def literal(text: str) -> str:
    """GBNF for `text` as a JSON string has it."""
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    return '"' + inside.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_one(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _range(ends: tuple[int, int]) -> str:
    low, high = map(_in_set, ends)
    return low if low == high else f"{low}-{high}"


def _in_set(code: int) -> str:
    if chr(code).isascii():
        return chr(code) if chr(code).isalnum() else f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
