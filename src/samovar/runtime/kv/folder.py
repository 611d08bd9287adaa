"""The folder `kv/` of a home: which files in it are caches, how much they take, which go first.

One folder below it for each kind of cache, that is for each model and way to compute it; all share one budget.
Names that are not of ours are neither counted nor touched. Knows nothing of what the files hold.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psutil

SUFFIX = ".kv"
_OURS = re.compile(r"[0-9a-f]{40}\.kv")
_UNFINISHED = re.compile(r"[0-9a-f]{40}\.([0-9]{1,10})\.part")

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says where a disk, or one's share of it, is full."""


class CacheFile(NamedTuple):
    """`used_at`: when it was last used or written, in nanoseconds."""

    path: Path
    size: int
    used_at: int


def create(path: Path) -> BinaryIO:
    """A new file that its owner alone can read: a cache tells what was said. Raises OSError."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def cache_files(root: Path) -> list[CacheFile]:
    """All caches below `root`. What cannot be looked at is not there."""
    return [
        file for folder in _entries(root) if folder.is_dir(follow_symlinks=False) for file in _caches(folder.path)
    ]


def tidy(root: Path) -> None:
    """Removes what processes that are no more, or this one, left half-written."""
    for kind in _entries(root):
        if not kind.is_dir(follow_symlinks=False):
            continue
        for entry in _entries(Path(kind.path)):
            found = _UNFINISHED.fullmatch(entry.name)
            if found and (int(found[1]) == os.getpid() or not psutil.pid_exists(int(found[1]))):
                remove(Path(entry.path))


def unfinished_name(path: Path) -> Path:
    """Under which name this process writes what is to be `path`."""
    return path.with_name(f"{path.stem}.{os.getpid()}.part")


def shrink(root: Path, most: int, spared: Collection[Path]) -> list[CacheFile]:
    """Removes caches until they take no more than `most` bytes, the longest unused first and the spared last;
    returns those."""
    files = cache_files(root)
    over = sum(file.size for file in files) - most
    gone = []
    for file in sorted(files, key=lambda file: (file.path in spared, file.used_at)):
        if over <= 0:
            break
        remove(file.path)
        gone.append(file)
        over -= file.size
    return gone


def remove(path: Path) -> None:
    """Removes the file, if it is there and the system lets."""
    with suppress(OSError):
        path.unlink()


def _caches(folder: str) -> Iterator[CacheFile]:
    for entry in _entries(Path(folder)):
        if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(OSError):
                stat = entry.stat(follow_symlinks=False)
                yield CacheFile(Path(entry.path), stat.st_size, stat.st_mtime_ns)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
