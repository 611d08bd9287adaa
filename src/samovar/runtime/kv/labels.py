"""What a cache is of: its tokens, whose they are, and which conversation they belong to."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

Tokens = Sequence[int]

TOKEN = 4
"""Bytes of a token in a key."""

_NAME_BYTES = 20


def key_of(tokens: Tokens) -> bytes:
    """`tokens` (ids from 0 up to 2³¹ − 1) as bytes that compare as the rows of ids do: four each, the high one
    first. A row that begins with another has a key that begins with its key."""
    return _swapped(array("i", tokens)).tobytes()


def shared_tokens(one: bytes, other: bytes) -> int:
    """Length in tokens of the common prefix of two keys."""
    alike, most = 0, min(len(one), len(other)) // TOKEN
    if one[: most * TOKEN] == other[: most * TOKEN]:
        return most
    # The first `alike` are the same, and of the first `most` one is not.
    while most - alike > 1:
        middle = (alike + most) // 2
        same = one[alike * TOKEN : middle * TOKEN] == other[alike * TOKEN : middle * TOKEN]
        alike, most = (middle, most) if same else (alike, middle)
    return alike


def _swapped(tokens: array[int]) -> array[int]:
    """`tokens` with the high byte first in memory, or back again."""
    if sys.byteorder == "little":
        tokens.byteswap()
    return tokens


@dataclass(frozen=True)
class Label:
    """`key`: the tokens (`key_of`). `tenant`: the only one who may be given the cache. `session`: the conversation,
    which can be pinned. `note`: a few bytes for whoever made the cache."""

    key: bytes
    tenant: str = ""
    session: str = ""
    note: bytes = b""

    @classmethod
    def of(cls, tokens: Tokens, tenant: str = "", session: str = "", note: bytes = b"") -> Label:
        return cls(key_of(tokens), tenant, session, note)

    def __len__(self) -> int:
        return len(self.key) // TOKEN

    @property
    def tokens(self) -> list[int]:
        return _swapped(array("i", self.key)).tolist()

    @cached_property
    def name(self) -> str:
        """The same for the same tokens of the same tenant only, and tells neither."""
        digest = hashlib.blake2b(self.key, digest_size=_NAME_BYTES, person=b"samovar.kv")
        digest.update(b"\0" + self.tenant.encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Entry:
    """A cache: `blob` is what the engine exported after the label's tokens."""

    label: Label
    blob: bytes

    @property
    def size(self) -> int:
        """Bytes of memory, nearly."""
        return len(self.blob) + len(self.label.key) + len(self.label.note)
