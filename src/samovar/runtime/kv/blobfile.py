"""One cache in one file: a head that says what it is, the tokens, the note, the blob; and nothing is believed.

Layout, little-endian: 8 bytes magic, uint32 version, uint32 lengths of cache id, tenant, session, key and note,
uint64 length of the blob, uint32 CRC-32 of the blob, uint32 CRC-32 of all of the head but itself; then cache id,
tenant, session (UTF-8), key, note; then the blob. The head is written last: a file whose
writing broke off has none.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from samovar.runtime.kv.labels import TOKEN, Entry, Label

_MAGIC = b"SMVRTIER"
_VERSION = 1
_FIXED = struct.Struct("<8sIIIIIIQI")
_CHECKSUM = struct.Struct("<I")
_START = _FIXED.size + _CHECKSUM.size
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Head:
    """What a file says of itself. `cache_id`: what the blob fits; `size` and `checksum`: those of the blob."""

    cache_id: str
    label: Label
    size: int
    checksum: int


def file_size(cache_id: str, entry: Entry) -> int:
    """Bytes that the entry takes on disk."""
    return _START + sum(map(len, _parts(cache_id, entry.label))) + len(entry.blob)


def write_entry(file: BinaryIO, cache_id: str, entry: Entry, goes_on: Callable[[], bool]) -> bool:
    """Writes a whole file, asking `goes_on` before each megabyte; False where it said no. Raises OSError."""
    parts = _parts(cache_id, entry.label)
    file.seek(_START + sum(map(len, parts)))
    blob, checksum = memoryview(entry.blob), 0
    for at in range(0, len(blob), _CHUNK):
        if not goes_on():
            return False
        chunk = blob[at : at + _CHUNK]
        checksum = zlib.crc32(chunk, checksum)
        file.write(chunk)
    fixed = _FIXED.pack(_MAGIC, _VERSION, *map(len, parts), len(blob), checksum)
    said = b"".join(parts)
    file.seek(0)
    file.write(fixed + _CHECKSUM.pack(zlib.crc32(said, zlib.crc32(fixed))) + said)
    return True


def read_head(file: BinaryIO, length: int) -> Head | None:
    """The head of a file of `length` bytes, which is then at its blob; None unless it is whole, undamaged and of
    this version. Raises OSError."""
    start = file.read(_START)
    if len(start) < _START:
        return None
    magic, version, *lengths, size, checksum = _FIXED.unpack_from(start)
    if (magic, version) != (_MAGIC, _VERSION) or _START + sum(lengths) + size != length:
        return None
    said = file.read(sum(lengths))
    if _CHECKSUM.unpack_from(start, _FIXED.size)[0] != zlib.crc32(said, zlib.crc32(start[: _FIXED.size])):
        return None
    cache_id, tenant, session, key, note = _cut(said, lengths)
    if len(key) % TOKEN:
        return None
    try:
        return Head(cache_id.decode(), Label(key, tenant.decode(), session.decode(), note), size, checksum)
    except UnicodeDecodeError:
        return None


def read_blob(file: BinaryIO, head: Head) -> bytes | None:
    """The blob that `file` is at; None where it is damaged. Raises OSError."""
    blob = file.read(head.size)
    return blob if len(blob) == head.size and zlib.crc32(blob) == head.checksum else None


def _parts(cache_id: str, label: Label) -> tuple[bytes, ...]:
    return cache_id.encode(), label.tenant.encode(), label.session.encode(), label.key, label.note


def _cut(said: bytes, lengths: list[int]) -> list[bytes]:
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [said[end - length : end] for end, length in zip(ends, lengths, strict=True)]
