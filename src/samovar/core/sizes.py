"""Sizes as people write them: "2GB", "512 MiB", 800 (megabytes)."""

from __future__ import annotations

import re

from samovar.core.errors import InvalidParameter

_UNITS = {"": 10**6, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_WRITTEN = re.compile(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*(?:([KMGT])(I?)B?)?\s*", re.ASCII | re.IGNORECASE)
_LONGEST_SHOWN = 40


def parse_size(written: str | int, name: str) -> int:
    """Bytes: a number of megabytes (10⁶), or with a suffix from K to T, of 1024s where it is written with an i.
    Raises InvalidParameter, naming `name`."""
    found = _WRITTEN.fullmatch(str(written))
    if found is None:
        raise InvalidParameter("core.size_unreadable", name=name, value=str(written)[:_LONGEST_SHOWN])
    number, unit, binary = found.groups("")
    return round(float(number) * (_BINARY if binary else _UNITS)[unit.upper()])
