"""A file locked for one process: the operating system holds the lock and gives it back when its owner dies."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    FAR_BYTE = 1 << 30
    """Windows forbids others to read the bytes that are locked, so the lock lies behind the text."""

    def try_lock(handle: int) -> bool:
        """As elsewhere."""
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

    def try_lock(handle: int) -> bool:
        """Whether the open file `handle` is now locked: until it is closed or its owner dies."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
