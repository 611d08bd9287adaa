"""Reads the header of one GGUF file and checks every bound against the file's length before any C++ sees it.

Owns the layout of the format (github.com/ggml-org/ggml, docs/gguf.md), versions 2 and 3 in both byte orders. Takes
well under two seconds and 200 MB whatever the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from samovar.core.errors import BadModelFile, NotFound
from samovar.formats.gguf_cursor import ByteOrder, Cursor
from samovar.formats.gguf_header import GgufHeader, TensorInfo
from samovar.formats.gguf_types import GGML_TYPES
from samovar.formats.gguf_values import Value, read_value, weight
from samovar.formats.sniff import HEAD_BYTES, looks_like

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_LARGEST_ALIGNMENT = 1 << 20
_MAX_ENTRIES = 65_536
_MAX_DIMENSIONS = 4
_NAME_BYTES = 63
_KEY_BYTES = 65_535
_LARGEST_COUNT = (1 << 63) - 1
_METADATA_MEMORY = 96 << 20
# The least bytes that one entry can take: a string's length, a type, a byte; a name's length, n_dims, type, offset.
_LEAST_METADATA = 13
_LEAST_TENSOR = 24


def read_part(path: Path) -> GgufHeader:
    """The checked header of one file, a whole model or a part of one. Raises NotFound where no file is,
    BadModelFile for everything else that is wrong with it."""
    try:
        if not path.exists():
            raise NotFound("formats.not_found", path=str(path))
        if not path.is_file():
            raise BadModelFile("formats.is_folder" if path.is_dir() else "formats.is_device", path=str(path))
        with path.open("rb") as file:
            return _read(file, path)
    except OSError as error:
        raise BadModelFile("formats.unreadable", path=str(path), reason=error.strerror or str(error)) from error


def _read(file: BinaryIO, path: Path) -> GgufHeader:
    size = file.seek(0, 2)
    file.seek(0)
    version, order = _read_start(file.read(HEAD_BYTES), path, size)
    cursor = Cursor(file, size, order, position=8)
    tensor_count, metadata_count = cursor.u64(), cursor.u64()
    for key, count, least in (
        ("formats.tensor_count", tensor_count, _LEAST_TENSOR),
        ("formats.metadata_count", metadata_count, _LEAST_METADATA),
    ):
        most = min(_MAX_ENTRIES, cursor.remaining // least)
        if count > most:
            raise BadModelFile(key, count=count, most=most, size=size)
    metadata = _read_metadata(cursor, path, metadata_count)
    alignment = _alignment(metadata)
    infos = _read_tensor_infos(cursor, tensor_count)
    data_offset = _padded(cursor.position, alignment)
    tensors = tuple(_placed(info, data_offset, alignment, size) for info in infos)
    _refuse_overlap(tensors)
    header = GgufHeader((path,), version, order, metadata, tensors, alignment, data_offset, size)
    _require_model(header)
    return header


def _require_model(header: GgufHeader) -> None:
    """A whole model names its architecture and has weights; the first part of a split one may lack weights, the
    others carry nothing but them."""
    if header.split_count > 1 and header.whole("split.no", 0) > 0:
        return
    if not header.architecture:
        raise BadModelFile("formats.metadata_missing", key="general.architecture")
    if not header.tensors and header.split_count == 1:
        raise BadModelFile("formats.no_tensors", architecture=header.architecture[:60])


def _read_start(head: bytes, path: Path, size: int) -> tuple[int, ByteOrder]:
    """Version and byte order: the magic is the same in both orders, a swapped version has its low bytes last."""
    if size == 0:
        raise BadModelFile("formats.empty", path=str(path))
    if head[:4] != _MAGIC:
        if _MAGIC.startswith(head):
            raise BadModelFile("formats.cut_start", size=size, needed=24)
        raise BadModelFile(looks_like(head), path=str(path))
    if len(head) < 24:
        raise BadModelFile("formats.cut_start", size=size, needed=24)
    order: ByteOrder = "big" if head[4:6] == b"\0\0" and head[6:8] != b"\0\0" else "little"
    version = int.from_bytes(head[4:8], order)
    if version == 1:
        raise BadModelFile("formats.version_old", version=version)
    if version not in _VERSIONS:
        raise BadModelFile("formats.version_unknown", version=version)
    return version, order


def _read_metadata(cursor: Cursor, path: Path, count: int) -> Mapping[str, Value]:
    metadata: dict[str, Value] = {}
    memory = 0
    for index in range(count):
        cursor.region = "formats.cut_metadata"
        key = _name(cursor, "formats.key_not_text", index + 1, _KEY_BYTES)
        if key in metadata:
            raise BadModelFile("formats.key_twice", key=key)
        metadata[key] = value = read_value(cursor, path, key)
        memory += weight(key) + weight(value)
        if memory > _METADATA_MEMORY:
            raise BadModelFile("formats.metadata_memory", limit=_METADATA_MEMORY)
    return MappingProxyType(metadata)


def _name(cursor: Cursor, complaint: str, number: int, limit: int) -> str:
    """A key or a tensor's name: text of 1 to `limit` bytes without control characters."""
    raw = cursor.string(f"#{number}")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = ""
    if not name.isprintable() or not 0 < len(raw) <= limit or not name:
        raise BadModelFile(complaint, number=number, length=len(raw), limit=limit)
    return name


def _alignment(metadata: Mapping[str, Value]) -> int:
    value = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(value, int) or not 0 < value <= _LARGEST_ALIGNMENT or value & (value - 1):
        raise BadModelFile("formats.alignment", value=str(value)[:40], limit=_LARGEST_ALIGNMENT)
    return value


def _padded(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment


def _read_tensor_infos(cursor: Cursor, count: int) -> Sequence[TensorInfo]:
    """Tensors with offsets from the start of the data, as the file has them."""
    cursor.region = "formats.cut_tensor_list"
    infos: dict[str, TensorInfo] = {}
    for index in range(count):
        name = _name(cursor, "formats.tensor_not_text", index + 1, _NAME_BYTES)
        if name in infos:
            raise BadModelFile("formats.tensor_twice", tensor=name)
        infos[name] = _read_tensor_info(cursor, name)
    return tuple(infos.values())


def _read_tensor_info(cursor: Cursor, name: str) -> TensorInfo:
    dimensions = cursor.u32()
    if dimensions > _MAX_DIMENSIONS:
        raise BadModelFile("formats.dimensions", tensor=name, count=dimensions, limit=_MAX_DIMENSIONS)
    shape = tuple(cursor.u64() for _ in range(dimensions))
    type_id, offset = cursor.u32(), cursor.u64()
    if math.prod(shape) > _LARGEST_COUNT or 0 in shape:
        raise BadModelFile("formats.shape", tensor=name, shape=" × ".join(map(str, shape)))
    ggml_type = GGML_TYPES.get(type_id)
    if ggml_type is None:
        raise BadModelFile("formats.tensor_type", tensor=name, type=type_id)
    width = shape[0] if shape else 1
    if width % ggml_type.block:
        raise BadModelFile("formats.row", tensor=name, width=width, block=ggml_type.block, type=ggml_type.name)
    size = ggml_type.row_bytes(width) * math.prod(shape[1:])
    return TensorInfo(name, shape, ggml_type, offset, size)


def _placed(info: TensorInfo, data_offset: int, alignment: int, size: int) -> TensorInfo:
    """`info` with its offset from the start of the file, checked to lie in it."""
    if info.offset % alignment:
        raise BadModelFile("formats.offset", tensor=info.name, offset=info.offset, alignment=alignment)
    start = data_offset + info.offset
    if start + info.size > size:
        raise BadModelFile("formats.cut_data", size=size, tensor=info.name, start=start, end=start + info.size)
    return replace(info, offset=start)


def _refuse_overlap(tensors: Sequence[TensorInfo]) -> None:
    ordered = sorted(tensors, key=lambda tensor: tensor.offset)
    for left, right in pairwise(ordered):
        if left.offset + left.size > right.offset:
            raise BadModelFile("formats.overlap", tensor=right.name, other=left.name, offset=right.offset)
