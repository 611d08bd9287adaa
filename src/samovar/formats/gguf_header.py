"""The values a GGUF header is: tensors, metadata with typed access, and what follows from them by counting.

Reads nothing; `gguf` reads. What the metadata say about a model's layers is in `shape`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samovar.core.errors import BadModelFile
from samovar.formats.gguf_cursor import ByteOrder
from samovar.formats.gguf_types import FILE_TYPES, GgmlType
from samovar.formats.gguf_values import LazyArray, Value


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: `shape` with the row width first, as the file has it; `offset` bytes from the start of part
    `part`'s file; `size` bytes."""

    name: str
    shape: tuple[int, ...]
    type: GgmlType
    offset: int
    size: int
    part: int = 0

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        return self.shape[0] if self.shape else 1


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Everything a GGUF file says before its data begins. For a split model: of all its parts together.

    `paths`: the files, in order; `file_size`: bytes of all of them; `data_offset`: where the first's data start.
    """

    paths: tuple[Path, ...]
    version: int
    order: ByteOrder
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    file_size: int

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def weight_bytes(self) -> int:
        return sum(tensor.size for tensor in self.tensors)

    @property
    def quant(self) -> str:
        """The quantisation as the field names it ("Q4_K_M"): general.file_type, else the type of most weights."""
        named = FILE_TYPES.get(self.whole("general.file_type", -1))
        if named is not None:
            return named
        weights: dict[str, int] = {}
        for tensor in self.tensors:
            weights[tensor.type.name] = weights.get(tensor.type.name, 0) + tensor.elements
        return max(weights, key=weights.__getitem__, default="")

    @property
    def split_count(self) -> int:
        """In how many files the model lies."""
        return max(1, self.whole("split.count", 1))

    def tensor_kinds(self) -> frozenset[tuple[str, int]]:
        """(type name, row width) of every matrix: what the engine's table of trusted kernels is asked about."""
        return frozenset((t.type.name, t.width) for t in self.tensors if len(t.shape) > 1)

    def text(self, key: str, default: str | None = None) -> str:
        """The string under `key`. Raises BadModelFile where it is absent (without a default) or of another type."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self._wrong_type(key, "string", value)
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        """The integer under `key`. Raises as `text` does."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong_type(key, "integer", value)
        return value

    def number(self, key: str, default: float) -> float:
        """The number under `key`. Raises BadModelFile where it is of another type."""
        value = self.metadata.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong_type(key, "number", value)
        return float(value)

    def per_layer(self, key: str, layers: int, default: int | None = None) -> tuple[int, ...]:
        """The integers under `key`, one per layer; a single one stands for all. Raises as `text` does, and for a
        list of another length."""
        value = self._value(key, default)
        values = value if isinstance(value, tuple) else (value,) * layers
        if len(values) < layers:
            raise BadModelFile("formats.per_layer", key=key, count=len(values), layers=layers)
        if not all(isinstance(v, int) for v in values):
            raise self._wrong_type(key, "integer", value)
        return tuple(int(v) for v in values[:layers] if isinstance(v, int))

    def length(self, key: str) -> int:
        """Number of elements of the array under `key`; 0 where there is none."""
        value = self.metadata.get(key)
        return len(value) if isinstance(value, tuple | LazyArray) else 0

    def _value(self, key: str, default: str | int | None) -> Value:
        value = self.metadata.get(key, default)
        if value is None:
            raise BadModelFile("formats.metadata_missing", key=key)
        return value

    def _wrong_type(self, key: str, wanted: str, value: Value) -> BadModelFile:
        found = "array" if isinstance(value, tuple | LazyArray) else type(value).__name__
        return BadModelFile("formats.metadata_type", key=key, wanted=wanted, found=found)
