"""One server per home folder: a lock that the operating system holds and gives back when its owner dies.

The file says who holds it. It is never removed: a second opener might otherwise lock a file that has no name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from samovar.core.errors import Conflict, StorageFailed


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock: the process, and the address that it serves."""

    pid: int
    address: str


@contextlib.contextmanager
def hold(path: Path, address: str) -> Iterator[None]:
    """Holds the home folder whose lock file is `path` for this process, which serves `address`. Raises Conflict
    that names the holder, StorageFailed where the file cannot be made."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageFailed("store.unusable", path=str(path), reason=error.strerror or str(error)) from error
    try:
        if not _lock(handle):
            raise _taken(path, os.pread(handle, 4096, 0) if hasattr(os, "pread") else os.read(handle, 4096))
        os.ftruncate(handle, 0)
        os.write(handle, msgspec.json.encode(Holder(os.getpid(), address)))
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _taken(path: Path, content: bytes) -> Conflict:
    try:
        holder = msgspec.json.decode(content, type=Holder)
    except msgspec.DecodeError:
        return Conflict("store.home_taken", home=str(path.parent))
    return Conflict("store.home_taken_by", home=str(path.parent), pid=holder.pid, address=holder.address)


if sys.platform == "win32":
    import msvcrt

    FAR_BYTE = 1 << 30
    """Windows forbids others to read the bytes that are locked, so the lock lies behind the text."""

    def _lock(handle: int) -> bool:
        os.lseek(handle, FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
