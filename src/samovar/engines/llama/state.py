"""The layout of a sequence that `ik` exported, as far as it depends on flash attention.

Without it a layer's values lie transposed: for each element those of all cells. Source: `llama_data_write` of the
library's llama.cpp. A state begins with the number of cells, then (position, 0) of each, then the direction of the
values and the number of layers; keys of all layers follow, then values of all layers. Knows no context.
"""

from __future__ import annotations

import struct

import numpy as np

from samovar.core.errors import EngineFailed

_COUNT, _PLACE, _KINDS = struct.Struct("<I"), struct.Struct("<iI"), struct.Struct("<II")
_KEYS = struct.Struct("<iQ")
"""GGML type, −1 for a layer without; bytes of a cell."""
_ROWS, _COLUMNS = 0, 1
_VALUES = {_ROWS: struct.Struct("<iQ"), _COLUMNS: struct.Struct("<iII")}
"""GGML type; then bytes of a cell, or bytes of an element and elements of a cell. Both are as long."""
_NONE, _F16, _F16_BYTES = -1, 1, 2


def is_empty(state: bytearray) -> bool:
    """Whether it holds no cell: the library ends the process where that is restored."""
    return _COUNT.unpack_from(state) == (0,)


def turn_values(state: bytearray) -> None:
    """Rewrites `state`, in place, for a context whose values lie the other way. Raises EngineFailed for values that
    are not of 16 bits: blocks of several cells' elements cannot be taken apart."""
    (cells,) = _COUNT.unpack_from(state)
    at = _COUNT.size + cells * _PLACE.size
    direction, layers = _KINDS.unpack_from(state, at)
    if direction not in _VALUES:
        return
    _KINDS.pack_into(state, at, _ROWS + _COLUMNS - direction, layers)
    at += _KINDS.size
    for _ in range(layers):
        _, size = _KEYS.unpack_from(state, at)
        at += _KEYS.size + cells * size
    for _ in range(layers):
        at = _turn_layer(state, at, cells, direction)


def _turn_layer(state: bytearray, at: int, cells: int, direction: int) -> int:
    """Where the next layer's values begin."""
    width = _turn_header(state, at, direction)
    at += _VALUES[direction].size
    shape = (cells, width) if direction == _ROWS else (width, cells)
    values = np.frombuffer(state, dtype=np.uint16, count=cells * width, offset=at)
    values[:] = values.reshape(shape).T.flatten()
    return at + _F16_BYTES * cells * width


def _turn_header(state: bytearray, at: int, direction: int) -> int:
    """Elements of a cell of this layer; 0 where it keeps none."""
    type, size, *elements = _VALUES[direction].unpack_from(state, at)
    if type == _NONE:
        return 0
    if type != _F16:
        raise EngineFailed("engines.values_turned", type=type)
    width = int(elements[0] if elements else size // _F16_BYTES)
    turned = (_F16_BYTES, width) if direction == _ROWS else (_F16_BYTES * width,)
    _VALUES[_ROWS + _COLUMNS - direction].pack_into(state, at, type, *turned)
    return width
