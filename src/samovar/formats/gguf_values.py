"""Metadata values of a GGUF file: numbers, texts, short arrays; long arrays stay there until they are asked for.

The types and their numbers are those of the GGUF specification (gguf_metadata_value_type).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import getsizeof
from types import MappingProxyType
from typing import TypeAlias

from samovar.core.errors import BadModelFile
from samovar.formats.gguf_cursor import ByteOrder, Cursor

_STRING = 8
_ARRAY = 9
# Codes of the struct module; a bool is a byte.
_NUMBERS = MappingProxyType(
    {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
)
_BOOL = 7
_BYTES = MappingProxyType({0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8})
_NAMES = MappingProxyType(
    {
        0: "uint8",
        1: "int8",
        2: "uint16",
        3: "int16",
        4: "uint32",
        5: "int32",
        6: "float32",
        7: "bool",
        8: "string",
        9: "array",
        10: "uint64",
        11: "int64",
        12: "float64",
    }
)
# Per-layer settings and lists of tags are shorter than this; vocabularies are longer.
_EAGER_NUMBERS = 4096
_EAGER_STRINGS = 64
_STEP = 4096

Scalar: TypeAlias = "int | float | bool | str"
Value: TypeAlias = "Scalar | tuple[Scalar, ...] | LazyArray"


@dataclass(frozen=True, slots=True)
class LazyArray:
    """`count` elements of type `element` ("string", "float32", …) that lie at byte `offset` of the file."""

    path: Path
    offset: int
    count: int
    element: str
    order: ByteOrder
    type_id: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Scalar]:
        """Reads the elements from the file. Raises BadModelFile if it has changed since, OSError if it is gone."""
        with self.path.open("rb") as file:
            cursor = Cursor(file, self.path.stat().st_size, self.order, self.offset)
            for start in range(0, self.count, _STEP):
                yield from _elements(cursor, self.type_id, min(_STEP, self.count - start), "array")


def read_value(cursor: Cursor, path: Path, key: str) -> Value:
    """The value that stands at the cursor; `key` names it in errors."""
    type_id = cursor.u32()
    if type_id == _ARRAY:
        return _read_array(cursor, path, key)
    _known(type_id, key)
    return next(_elements(cursor, type_id, 1, key))


def weight(value: Value) -> int:
    """Bytes of memory that a value takes, nearly."""
    return getsizeof(value) + (sum(map(getsizeof, value)) if isinstance(value, tuple) else 0)


def _known(type_id: int, key: str) -> None:
    if type_id not in _NAMES:
        raise BadModelFile("formats.value_type", key=key, type=type_id)


def _read_array(cursor: Cursor, path: Path, key: str) -> Value:
    type_id, count = cursor.u32(), cursor.u64()
    if type_id == _ARRAY:
        # The specification allows it, llama.cpp does not, and no model needs it.
        raise BadModelFile("formats.nesting", key=key)
    _known(type_id, key)
    least = count * _BYTES.get(type_id, 8)
    if least > cursor.remaining:
        raise BadModelFile("formats.array_length", what=key, count=count, left=cursor.remaining)
    if count <= (_EAGER_STRINGS if type_id == _STRING else _EAGER_NUMBERS):
        return tuple(_elements(cursor, type_id, count, key))
    lazy = LazyArray(path, cursor.position, count, _NAMES[type_id], cursor.order, type_id)
    if type_id == _STRING:
        cursor.skip_strings(count, key)
    else:
        cursor.skip(least)
    return lazy


def _elements(cursor: Cursor, type_id: int, count: int, what: str) -> Iterator[Scalar]:
    if type_id == _STRING:
        for _ in range(count):
            # Texts of real files are not always whole UTF-8: a vocabulary may hold single bytes of a character.
            yield cursor.string(what).decode("utf-8", errors="replace")
        return
    numbers = cursor.unpack(_NUMBERS[type_id], count)
    yield from (bool(n) for n in numbers) if type_id == _BOOL else numbers
