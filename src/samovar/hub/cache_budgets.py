"""How much room exported caches may take where nobody has said: a careful share of what the machine has free.

Pure but for `disk_room`, which looks at the disk.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_SHARE = 10
_MOST_RAM = 2 * 10**9
_MOST_DISK = 10 * 10**9


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Bytes: those free on the disk of a folder, and those that the folder's files take."""

    free: int
    used: int


def default_ram(free: int) -> int:
    """Bytes for caches in memory, of `free` bytes that are left beside the model: a tenth, 2 GB at most."""
    return max(0, min(free // _SHARE, _MOST_RAM))


def default_disk(room: DiskRoom) -> int:
    """Bytes for caches on disk: a tenth of what is free without them, 10 GB at most."""
    return min((room.free + room.used) // _SHARE, _MOST_DISK)


def disk_room(folder: Path) -> DiskRoom:
    """The room of `folder`, which need not be there yet. A disk that does not answer has none."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = 0
    return DiskRoom(free, sum(_size(Path(root, name)) for root, _, names in os.walk(folder) for name in names))


def _size(path: Path) -> int:
    """Bytes of the file; 0 where it has just gone."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0
