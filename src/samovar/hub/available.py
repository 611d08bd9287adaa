"""How many bytes of memory a new process may take on this machine, limits of containers included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
# Limit, usage, and the names in memory.stat of page cache that the kernel gives back when it is asked to.
_FILES = (
    ("memory.max", "memory.current", ("active_file", "inactive_file")),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_active_file", "total_inactive_file")),
)


def available_memory() -> int:
    """Bytes: what the system says is available, or less where a control group allows less."""
    return min([int(psutil.virtual_memory().available), *group_headrooms(_ROOT, _MEMBERSHIP)])


def held_memory(pid: int) -> int:
    """Bytes that would be available again without the process: what it has in memory, and of files that are mapped
    only what the system does not count as available anyway. 0 where it has gone."""
    try:
        told = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return max(0, int(told.rss) - int(getattr(told, "shared", 0)))


def group_headrooms(root: Path, membership: Path) -> Iterator[int]:
    """Bytes left in each control group (version 1 or 2) that this process is in and that has a limit."""
    for folder in _group_folders(root, membership):
        for limit_file, usage_file, reclaimable in _FILES:
            limit, usage = _number(folder / limit_file), _number(folder / usage_file)
            if limit is not None and usage is not None:
                yield max(0, limit - max(0, usage - _sum_of(folder / "memory.stat", reclaimable)))


def _group_folders(root: Path, membership: Path) -> Iterator[Path]:
    """The folders of this process's groups and of all groups around them. Inside a container the path may be that
    of the host, and only the root is there."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "memory" if controllers else root
        inner = top / path.lstrip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder == top or top in folder.parents)


def _number(path: Path) -> int | None:
    """None where there is no such file, or it holds no number ("max": no limit)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _sum_of(path: Path, names: tuple[str, ...]) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    pairs = (line.split() for line in lines)
    return sum(int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] in names)
