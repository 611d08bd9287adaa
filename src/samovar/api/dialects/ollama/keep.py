"""How long a model is to stay loaded, as Ollama's clients say it: seconds, or a duration of Go ("5m", "1h30m")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter

FIELD = "keep_alive"
LONGEST = 1e9
"""Seconds; more is for ever."""

SECONDS: Mapping[str, float] = MappingProxyType(
    {"": 1.0, "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
)

# Go's syntax (time.ParseDuration), and bare numbers, which Ollama itself takes as JSON numbers only.
_DURATION = re.compile(r"([+-]?)((?:\d{1,18}(?:\.\d{0,18})?(?:ns|us|µs|ms|s|m|h))+|\d{1,18}(?:\.\d{0,18})?)")
_PIECE = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h|)")


def read_keep_alive(fields: Fields) -> float | None:
    """Seconds; negative: for ever; None where the body says nothing. Raises InvalidParameter."""
    value = fields.take(FIELD)
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bounded(value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise InvalidParameter("ollama.keep_alive", name=FIELD, value=repr(value)[:60])
    seconds = sum(float(number) * SECONDS[unit] for number, unit in _PIECE.findall(found[2]))
    return _bounded(-seconds if found[1] == "-" else seconds)


def _bounded(seconds: float) -> float:
    return -1.0 if seconds < 0 or seconds > LONGEST else float(seconds)
