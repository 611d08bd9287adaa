"""What a key is, without its secret: a name, what it allows, and when it was made, used and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

KeyScope = Literal["infer", "manage", "admin"]
"""What a key allows: to ask models; to load, get and remove them besides; everything. Each includes those before
it."""

RANKS: Mapping[KeyScope, int] = MappingProxyType({"infer": 0, "manage": 1, "admin": 2})


def allows(held: KeyScope, needed: KeyScope) -> bool:
    """Whether who holds a key of the first scope may do what needs the second."""
    return RANKS[held] >= RANKS[needed]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`prefix`: the beginning of the secret, by which its owner knows it. `used`: when it was last shown, to the
    minute. Times are Unix seconds."""

    id: str
    name: str
    prefix: str
    scope: KeyScope
    created: float
    used: float | None = None
    revoked: float | None = None


class Holder(msgspec.Struct, frozen=True):
    """Who has shown a secret that is right. `id`: the key's."""

    id: str
    name: str
    scope: KeyScope


OWN = Holder("api-key", "--api-key", "admin")
"""Who shows the key that the server was started with: it is kept nowhere, and so has no row."""
