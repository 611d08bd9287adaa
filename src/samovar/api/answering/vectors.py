"""Vectors of texts, as clients ask to have them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from samovar.core.errors import OutOfRange

Vector = Sequence[float]

MOST_TEXTS = 2048
"""Of one request."""


def shortened(vector: Vector, dimensions: int | None) -> Vector:
    """The first so many numbers of `vector`, with length 1. Raises OutOfRange where it has fewer."""
    if dimensions is None or dimensions == len(vector):
        return vector
    if dimensions > len(vector):
        facts = {"value": dimensions, "minimum": 1, "maximum": len(vector)}
        raise OutOfRange("core.parameter_range", name="dimensions", **facts)
    first = vector[:dimensions]
    length = math.hypot(*first)
    return [number / length for number in first] if length else first
