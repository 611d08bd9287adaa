"""Which of many rows of tokens begins like this one? Sorted keys: the row that shares most with a given one stands
beside the place where that one would, so a search costs the logarithm of the number of rows.

Knows labels only; where the blobs are, and whether they still are, is its owner's business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from samovar.runtime.kv.labels import TOKEN, Label, shared_tokens

_ABOVE = b"\xff"
"""After a key: greater than every key that begins with it, for no token begins with this byte."""


class Hit(NamedTuple):
    """The first `shared` tokens of `label` are those that were asked for."""

    label: Label
    shared: int


@dataclass
class _Shelf:
    """One tenant's labels, sorted by their keys, each key once."""

    keys: list[bytes] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def place(self, key: bytes) -> int | None:
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else None

    def beginning_with(self, key: bytes) -> list[Label]:
        return self.labels[bisect_left(self.keys, key) : bisect_left(self.keys, key + _ABOVE)]


class Index:
    """The labels of one tier. `cuttable`: a cache serves every prefix of its tokens, so that one whose tokens begin
    another's is redundant; otherwise it serves all of its tokens or nothing."""

    def __init__(self, *, cuttable: bool = True) -> None:
        self._cuttable = cuttable
        self._shelves: dict[str, _Shelf] = {}

    def __len__(self) -> int:
        return sum(len(shelf.keys) for shelf in self._shelves.values())

    def __iter__(self) -> Iterator[Label]:
        return (label for shelf in self._shelves.values() for label in shelf.labels)

    def add(self, label: Label) -> list[Label]:
        """Takes `label` in; those that it makes redundant, and one of the same tokens, leave and are returned."""
        shelf = self._shelves.setdefault(label.tenant, _Shelf())
        gone = []
        at = bisect_right(shelf.keys, label.key)
        # No label begins another: whatever stood between a beginning and `label` would begin like the former.
        if at and self._outdone(shelf.keys[at - 1], label.key):
            at -= 1
            gone.append(shelf.labels[at])
            del shelf.keys[at], shelf.labels[at]
        shelf.keys.insert(at, label.key)
        shelf.labels.insert(at, label)
        return gone

    def remove(self, label: Label) -> None:
        """Forgets `label`, where it is there."""
        shelf = self._shelves.get(label.tenant, _Shelf())
        at = shelf.place(label.key)
        if at is not None:
            del shelf.keys[at], shelf.labels[at]

    def covering(self, key: bytes, tenant: str) -> Label | None:
        """A label whose cache serves all of `key`, the shortest."""
        shelf = self._shelves.get(tenant, _Shelf())
        if self._cuttable:
            return min(shelf.beginning_with(key), key=len, default=None)
        at = shelf.place(key)
        return None if at is None else shelf.labels[at]

    def serving(self, label: Label) -> Label | None:
        """A label that does all that `label` would; one of the same tokens and another note does not."""
        found = self.covering(label.key, label.tenant)
        outdated = found is not None and found.key == label.key and found.note != label.note
        return None if outdated else found

    def longest(self, key: bytes, tenant: str) -> Hit | None:
        """The label that serves most of `key`; among equals the shortest, which has least to copy."""
        shelf = self._shelves.get(tenant, _Shelf())
        return _most_shared(shelf, key) if self._cuttable else _longest_whole(shelf, key)

    def _outdone(self, key: bytes, by: bytes) -> bool:
        return by.startswith(key) if self._cuttable else by == key


def _most_shared(shelf: _Shelf, key: bytes) -> Hit | None:
    at = bisect_left(shelf.keys, key)
    shared = max((shared_tokens(near, key) for near in shelf.keys[max(at - 1, 0) : at + 1]), default=0)
    return Hit(min(shelf.beginning_with(key[: shared * TOKEN]), key=len), shared) if shared else None


def _longest_whole(shelf: _Shelf, key: bytes) -> Hit | None:
    """Whatever `key` begins with stands before it, and so does, at most as far from it, whatever stands between."""
    while key:
        at = bisect_right(shelf.keys, key) - 1
        if at < 0:
            return None
        shared = shared_tokens(shelf.keys[at], key)
        if shared == len(shelf.labels[at]):
            return Hit(shelf.labels[at], shared) if shared else None
        key = key[: shared * TOKEN]
    return None
