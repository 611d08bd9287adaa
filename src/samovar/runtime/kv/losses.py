"""How much a tier has given up to make room, since somebody last asked. Safe to use from threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple


class Lost(NamedTuple):
    """Entries and their bytes."""

    entries: int = 0
    bytes: int = 0


class Losses:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = Lost()

    def add(self, sizes: Iterable[int]) -> None:
        """Entries of these sizes have gone."""
        gone = tuple(sizes)
        with self._lock:
            self._lost = Lost(self._lost.entries + len(gone), self._lost.bytes + sum(gone))

    def take(self) -> Lost:
        """What was added since this was last called."""
        with self._lock:
            lost, self._lost = self._lost, Lost()
        return lost
