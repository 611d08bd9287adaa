"""One server per home folder: a lock that the operating system holds and gives back when its owner dies.

The file says who holds it. It is never removed: a second opener might otherwise lock a file that has no name.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import msgspec

from samovar.core.errors import Conflict, StorageFailed
from samovar.core.filelock import try_lock
from samovar.core.home import Home


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock: the process, and the port that it serves (0: not known yet)."""

    pid: int
    port: int


class HomeLock:
    """A lock that is held."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def announce(self, port: int) -> None:
        """Tells who comes second where this server is: once more when a free port has been found."""
        os.ftruncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, msgspec.json.encode(Holder(os.getpid(), port)))


@contextlib.contextmanager
def lock_home(home: Home, port: int) -> Iterator[HomeLock]:
    """Holds the home for this process, which serves `port`. Raises Conflict that names the holder, StorageFailed
    where the lock file cannot be made."""
    try:
        handle = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageFailed("store.unusable", path=str(home.lock), reason=error.strerror or str(error)) from error
    try:
        if not try_lock(handle):
            raise _taken(home, os.read(handle, 4096))
        lock = HomeLock(handle)
        lock.announce(port)
        yield lock
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder_of(home: Home) -> Holder | None:
    """Who serves the home now, where that is already known; None where nobody does."""
    try:
        handle = os.open(home.lock, os.O_RDWR)
    except OSError:
        return None
    try:
        if try_lock(handle):
            return None
        holder = msgspec.json.decode(os.read(handle, 4096), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
    finally:
        os.close(handle)
    return holder if holder.port else None


def _taken(home: Home, content: bytes) -> Conflict:
    try:
        holder = msgspec.json.decode(content, type=Holder)
    except msgspec.DecodeError:
        return Conflict("store.home_taken", home=str(home.root))
    if not holder.port:
        return Conflict("store.home_taken_starting", home=str(home.root), pid=holder.pid)
    address = f"http://127.0.0.1:{holder.port}"
    return Conflict("store.home_taken_by", home=str(home.root), pid=holder.pid, address=address)
