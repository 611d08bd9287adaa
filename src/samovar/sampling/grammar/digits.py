"""Whole numbers between two bounds as GBNF: by how many digits they have, digit by digit."""

from __future__ import annotations

from collections.abc import Sequence

MOST_DIGITS = 15
"""Of a number without a bound."""


def between(low: int | None, high: int | None) -> list[str]:
    """Expressions for the whole numbers from `low` to `high`, None without an end; none for an empty range."""
    negative = _digits(max(1, -high if high is not None else 1), None if low is None else -low)
    positive = _digits(max(0, low or 0), high)
    signed = [f'"-" {either(negative)}'] if negative else []
    return signed + positive


def _digits(low: int, high: int | None) -> list[str]:
    """The same for numbers without a sign, by how many digits they have; `low` is 0 at least."""
    last = max(len(str(low)), MOST_DIGITS) if high is None else len(str(high))
    found = []
    for length in range(len(str(low)), last + 1):
        least, most = 10 ** (length - 1) if length > 1 else 0, 10**length - 1
        start, end = max(low, least), most if high is None else min(high, most)
        if start <= end:
            found.append(_same_length(str(start), str(end)))
    return found


def _same_length(low: str, high: str) -> str:
    """Numbers of as many digits as `low` and `high` have, between the two."""
    if not low:
        return ""
    if set(low) == {"0"} and set(high) == {"9"}:
        return f"[0-9]{{{len(low)}}}"
    if low[0] == high[0]:
        return f'"{low[0]}" {_same_length(low[1:], high[1:])}'.rstrip()
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    options = [f'"{low[0]}" {_same_length(low[1:], "9" * rest)}'.rstrip()]
    if last - first > 1:
        options.append(f"[{first + 1}-{last - 1}] {_same_length('0' * rest, '9' * rest)}".rstrip())
    return either([*options, f'"{high[0]}" {_same_length("0" * rest, high[1:])}'.rstrip()])


def either(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"( {' | '.join(options)} )"
