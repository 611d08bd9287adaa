"""Ids of conversations and messages: short strings that sort by the time they were made."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so an id can be read aloud and holds no words. Sorted, as ids must be."""

TIME_LETTERS = 9
CHANCE_LETTERS = 7


def new_id(now: float) -> str:
    """A fresh id for the Unix time `now` in seconds: 45 bits of milliseconds, then 35 bits of chance."""
    return _letters(int(now * 1000), TIME_LETTERS) + _letters(secrets.randbits(5 * CHANCE_LETTERS), CHANCE_LETTERS)


def _letters(number: int, count: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(count)))
