"""Where caches lie that no sequence holds: what the scheduler must know of the KV tiers.

A shelf is asked for the longest beginning that it has of a prompt; how it keeps what it has is its own affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """An entry: `key` names it on its shelf; `shared` of its `size` tokens are the beginning that was asked for."""

    key: str
    shared: int
    size: int


class Shelf(Protocol):
    """What the scheduler asks."""

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:
        """The entry of `tenant` that shares the longest beginning with `tokens`, of those that can be used."""
        ...

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:
        """Whether an entry of `tenant` begins with all of `tokens`."""
        ...


class Store(Shelf, Protocol):
    """What the loop does."""

    def fetch(self, found: Found) -> bytes | None:
        """The exported sequence; None where it is gone, or was damaged."""
        ...

    def put(self, tokens: Sequence[int], tenant: str, session: str, blob: bytes) -> None:
        """Keeps an exported sequence, as long as its budgets allow."""
        ...


class EmptyShelf:
    """Keeps nothing."""

    def longest(self, tokens: Sequence[int], tenant: str) -> Found | None:  # noqa: ARG002 - it has none
        return None

    def covers(self, tokens: Sequence[int], tenant: str) -> bool:  # noqa: ARG002 - it has none
        return False

    def fetch(self, found: Found) -> bytes | None:  # noqa: ARG002 - it has none
        return None

    def put(self, tokens: Sequence[int], tenant: str, session: str, blob: bytes) -> None:
        pass
