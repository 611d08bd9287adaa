"""What the tests of caches speak of: small caches, and disks that do as they are told."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from samovar.runtime.kv import Entry, Label
from samovar.runtime.kv.disk import DiskTier
from samovar.runtime.kv.ram import RamTier
from samovar.runtime.kv.tiers import Tiers

KIND = "0123456789abcdef"
PLENTY = 10**12
MEGABYTE = 1 << 20
PATIENCE = 20.0
"""Seconds after which a test has failed; nothing waits so long that works."""


def blob_of(size: int, seed: str = "") -> bytes:
    """`size` bytes that no other seed has."""
    return hashlib.shake_128(f"{seed}".encode()).digest(size)


def entry(*tokens: int, tenant: str = "", session: str = "", note: bytes = b"", size: int = 100) -> Entry:
    return Entry(Label.of(tokens, tenant, session, note), blob_of(size, f"{tokens} {tenant} {note!r}"))


def shared(one: list[int], other: list[int]) -> int:
    """Length of the common prefix."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def disk_tier(root: Path, budget: int = PLENTY, kind: str = KIND, **more: Any) -> DiskTier:
    return DiskTier(root, kind, budget, **({"free": lambda _: PLENTY} | more))


def tiers_in(
    root: Path,
    ram: int = PLENTY,
    disk: int = PLENTY,
    *,
    cuttable: bool = True,
    clock: Callable[[], float] = time.monotonic,
    **more: Any,
) -> Tiers:
    return Tiers(RamTier(ram, cuttable=cuttable), disk_tier(root, disk, cuttable=cuttable, **more), clock)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


class Failing(FileIO):
    """A file whose disk refuses with `error` as soon as it has taken `room` bytes."""

    def __init__(self, path: Path, error: OSError, room: int = 0) -> None:
        super().__init__(path, "xb")
        self._error = error
        self._room = room

    def write(self, data: Any, /) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise self._error
        return super().write(data)


class Gate:
    """Makes files whose every write waits until it is let through."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._let = threading.Semaphore(0)
        self.created = 0
        self.writes = 0

    def create(self, path: Path) -> FileIO:
        self.created += 1
        return _Gated(path, self)

    def await_write(self) -> None:
        """Returns when a write waits at the gate."""
        assert self._arrived.acquire(timeout=PATIENCE)

    def let(self, count: int = 1) -> None:
        self._let.release(count)

    def open(self) -> None:
        """From now on nothing waits."""
        self._let.release(1000)

    def pass_through(self) -> None:
        self._arrived.release()
        assert self._let.acquire(timeout=PATIENCE)
        self.writes += 1


class _Gated(FileIO):
    def __init__(self, path: Path, gate: Gate) -> None:
        super().__init__(path, "xb")
        self._gate = gate

    def write(self, data: Any, /) -> int:
        self._gate.pass_through()
        return super().write(data)
