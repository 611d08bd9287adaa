"""A bounds-checked reader of a GGUF file's bytes, front to back, in blocks.

Knows integers, strings and where the file ends; knows nothing of keys, tensors or models. The file is read rather
than mapped: a mapped file that shrinks while it is read kills the process.
"""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO, Literal

from samovar.core.errors import BadModelFile

ByteOrder = Literal["little", "big"]

BLOCK_BYTES = 1 << 20
# Several times what the largest vocabularies in the field need; what is longer is damage, and must not be walked.
HEADER_LIMIT = 128 << 20
STRING_LIMIT = 24 << 20
STRINGS_LIMIT = 4_000_000

_PREFIX: dict[ByteOrder, str] = {"little": "<", "big": ">"}


class Cursor:
    """Reads `file` of `size` bytes from `position` on. `region`: the catalogue key for "the file ends inside …"."""

    def __init__(self, file: BinaryIO, size: int, order: ByteOrder = "little", position: int = 0) -> None:
        self.size = size
        self.order: ByteOrder = order
        self.region = "formats.cut_start"
        self._file = file
        self._prefix = _PREFIX[order]
        self._u32 = Struct(self._prefix + "I")
        self._u64 = Struct(self._prefix + "Q")
        self._block = b""
        self._base = position
        self._at = 0
        self._strings_left = STRINGS_LIMIT

    @property
    def position(self) -> int:
        return self._base + self._at

    @property
    def remaining(self) -> int:
        return self.size - self.position

    def u32(self) -> int:
        value: int = self._u32.unpack(self.take(4))[0]
        return value

    def u64(self) -> int:
        value: int = self._u64.unpack(self.take(8))[0]
        return value

    def unpack(self, code: str, count: int = 1) -> tuple[int | float, ...]:
        """`count` numbers of the struct module's type `code`."""
        layout = Struct(f"{self._prefix}{count}{code}")
        return layout.unpack(self.take(layout.size))

    def string(self, what: str) -> bytes:
        """A length and so many bytes; `what` names the string in errors."""
        length = self.u64()
        if length > min(self.remaining, STRING_LIMIT):
            raise BadModelFile("formats.string_length", what=what, length=length, left=self.remaining)
        return self.take(length)

    def take(self, count: int) -> bytes:
        """The next `count` bytes. The caller has bounded `count`."""
        if self._at + count > len(self._block):
            self._fill(count)
        start, self._at = self._at, self._at + count
        return self._block[start : self._at]

    def skip(self, count: int) -> None:
        self._seek(self.position + count)

    def skip_strings(self, count: int, what: str) -> None:
        """Passes over `count` strings; only their lengths are looked at."""
        self._strings_left -= count
        if count * 8 > self.remaining or self._strings_left < 0:
            raise BadModelFile("formats.array_length", what=what, count=count, left=self.remaining)
        while count:
            self._fill(8)
            # The hot loop of the reader: vocabularies hold up to a million strings, so nothing is checked here
            # but the block's end; _seek sees whether the last length led past the file.
            block, at, last, length_at = self._block, self._at, len(self._block) - 8, self._u64.unpack_from
            while count and at <= last:
                at += 8 + length_at(block, at)[0]
                count -= 1
            self._seek(self._base + at)

    def _seek(self, position: int) -> None:
        if position > self.size:
            raise BadModelFile(self.region, size=self.size, needed=position)
        if position > HEADER_LIMIT:
            raise BadModelFile("formats.header_too_long", limit=HEADER_LIMIT)
        self._at = position - self._base
        if self._at > len(self._block):
            self._base, self._block, self._at = position, b"", 0

    def _fill(self, count: int) -> None:
        """Makes the next `count` bytes lie in the block."""
        position = self.position
        if position + count > self.size:
            raise BadModelFile(self.region, size=self.size, needed=position + count)
        if position + count > HEADER_LIMIT:
            raise BadModelFile("formats.header_too_long", limit=HEADER_LIMIT)
        if self._at + count <= len(self._block):
            return
        self._file.seek(position)
        self._base, self._at = position, 0
        self._block = self._file.read(max(count, BLOCK_BYTES))
        if len(self._block) < count:
            raise BadModelFile(self.region, size=position + len(self._block), needed=position + count)
