"""Exported sequences as sealed blobs: a header that says whose they are, then the payload.

Layout: 8 bytes magic, 16 bytes fingerprint of the cache the payload fits, uint64 payload length, uint32 CRC-32 of
the payload, little-endian. Knows nothing of what the payload means.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from samovar.core.errors import EngineFailed

_MAGIC = b"SMVRKV01"
_HEADER = struct.Struct("<8s16sQI")


def fingerprint(*facts: str | int | float) -> bytes:
    """16 bytes that differ where any fact differs (order counts)."""
    return hashlib.blake2b("\0".join(map(str, facts)).encode(), digest_size=16).digest()


def seal(owner: bytes, payload: bytes | memoryview) -> bytes:
    """`payload` with a header in front; `owner` is a `fingerprint`."""
    return b"".join((_HEADER.pack(_MAGIC, owner, len(payload), zlib.crc32(payload)), payload))


def unseal(owner: bytes, blob: bytes) -> memoryview:
    """The payload of `blob`. Raises EngineFailed unless it is whole, undamaged and of `owner`."""
    if len(blob) < _HEADER.size:
        raise EngineFailed("engines.blob_damaged", size=len(blob))
    magic, found, length, checksum = _HEADER.unpack_from(blob)
    payload = memoryview(blob)[_HEADER.size :]
    if magic != _MAGIC or length != len(payload):
        raise EngineFailed("engines.blob_damaged", size=len(blob))
    if found != owner:
        raise EngineFailed("engines.blob_foreign")
    if zlib.crc32(payload) != checksum:
        raise EngineFailed("engines.blob_damaged", size=len(blob))
    return payload
