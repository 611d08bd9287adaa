"""What is known of a sequence's state as `ik` exports it: it begins with its number of cells."""

from __future__ import annotations

import struct

_COUNT = struct.Struct("<I")


def is_empty(state: bytearray) -> bool:
    """Whether it holds no cell: the library ends the process where that is restored."""
    return _COUNT.unpack_from(state) == (0,)
