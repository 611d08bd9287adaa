"""What a cache is of: its tokens, whose they are, and which conversation they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Tokens: TypeAlias = Sequence[int] | npt.NDArray[np.int32]

TOKEN = 4
"""Bytes of a token in a key."""

_NAME_BYTES = 20


def key_of(tokens: Tokens) -> bytes:
    """`tokens` (ids from 0 up to 2³¹ − 1) as bytes that compare as the rows of ids do: four each, the high one
    first. A row that begins with another has a key that begins with its key."""
    return np.asarray(tokens, dtype=">i4").tobytes()


def shared_tokens(one: bytes, other: bytes) -> int:
    """Length in tokens of the common prefix of two keys."""
    count = min(len(one), len(other)) // TOKEN
    differs = np.frombuffer(one, np.uint32, count) != np.frombuffer(other, np.uint32, count)
    first = int(differs.argmax()) if count else 0
    return first if count and differs[first] else count


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
    def tokens(self) -> npt.NDArray[np.int32]:
        """int32 [tokens]."""
        return np.frombuffer(self.key, ">i4").astype(np.int32)

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
