"""Puts a file where it is to lie: linked where the disk allows, else copied; whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile

from samovar.core.errors import StorageFailed

_SPARE_BYTES = 64 << 20


def place(source: Path, target: Path) -> None:
    """`source` is afterwards at `target` as well, replacing what was there. Raises StorageFailed."""
    source = source.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=".placing-", delete=False) as reserved:
            temporary = Path(reserved.name)
        try:
            _link_or_copy(source, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise storage_failure(error, target) from error


def require_space(folder: Path, needed: int) -> None:
    """Raises StorageFailed where the disk of `folder` has less than `needed` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise StorageFailed("hub.disk_space", folder=str(folder), needed=needed, free=free)


def storage_failure(error: OSError, path: Path) -> StorageFailed:
    """What an error of the system while writing `path` means to a person."""
    key = "hub.disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "hub.cannot_write"
    return StorageFailed(key, path=str(path), reason=error.strerror or str(error))


def _link_or_copy(source: Path, temporary: Path) -> None:
    temporary.unlink()
    try:
        os.link(source, temporary)
    except OSError:
        require_space(temporary.parent, source.stat().st_size)
        shutil.copyfile(source, temporary)
