"""The caches on disk: what fits one kind of cache, indexed by the heads of its files.

May be used by two threads. Other processes may use the same folder: a file that they remove is gone here too, one
that they add is found at the next start. Files are not forced to the disk: one that a power cut damages is seen by
its checksums, and computed again.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from samovar.core.engine import Note
from samovar.runtime.kv import folder
from samovar.runtime.kv.blobfile import file_size, read_blob, read_head, write_entry
from samovar.runtime.kv.folder import FULL, SUFFIX, cache_files, remove, shrink, tidy, unfinished_name
from samovar.runtime.kv.index import Hit, Index
from samovar.runtime.kv.labels import Entry, Label
from samovar.runtime.kv.losses import Losses

_SPARE_BYTES = 256 << 20
"""Left free for others: a full disk stops more than caches."""


class DiskTier:
    """`root`: the home's folder of caches; `cache_id`: what these fit, a name of letters and digits; `budget`:
    bytes that all caches below `root` may take, this kind's and others. Never raises: where the disk refuses, it
    says so once in `notes` and writes no more. `losses`: files that made room for others, of whatever kind.

    `create` opens a new file, `free` tells the free bytes of the disk of a folder.
    """

    def __init__(
        self,
        root: Path,
        cache_id: str,
        budget: int,
        *,
        cuttable: bool = True,
        create: Callable[[Path], BinaryIO] = folder.create,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.budget = budget
        self.notes: tuple[Note, ...] = ()
        self.losses = Losses()
        self._root = root
        self._folder = root / cache_id
        self._cache_id = cache_id
        self._create = create
        self._free = free
        self._lock = threading.Lock()
        self._index = Index(cuttable=cuttable)
        self._sizes: dict[str, int] = {}
        self._pinned: frozenset[str] = frozenset()
        self._open()

    @property
    def entries(self) -> int:
        with self._lock:
            return len(self._index)

    @property
    def used(self) -> int:
        """Bytes of all caches below `root`, whatever they fit."""
        return sum(file.size for file in cache_files(self._root))

    @property
    def labels(self) -> tuple[Label, ...]:
        with self._lock:
            return tuple(self._index)

    def longest(self, key: bytes, tenant: str) -> Hit | None:
        with self._lock:
            return self._index.longest(key, tenant)

    def covering(self, key: bytes, tenant: str) -> Label | None:
        with self._lock:
            return self._index.covering(key, tenant)

    def serving(self, label: Label) -> Label | None:
        with self._lock:
            return self._index.serving(label)

    def serves(self, label: Label) -> bool:
        return self.serving(label) is not None

    def size(self, label: Label) -> int:
        """Bytes of its file, nearly those of the blob; 0 where it is not there."""
        return self._sizes.get(label.name, 0)

    def pin(self, sessions: Iterable[str]) -> None:
        with self._lock:
            self._pinned = frozenset(sessions)

    def forget(self, session: str) -> None:
        """Removes the entries of the session."""
        gone = [label for label in self.labels if label.session == session]
        self._forget(gone)
        for label in gone:
            remove(self._path(label))

    def takes(self, entry: Entry) -> bool:
        """Whether `write` would try."""
        return not self.notes and file_size(self._cache_id, entry) <= self.budget

    def use(self, label: Label) -> Entry | None:
        """Reads the entry, which is now the most recently used. None where its file is not, or not entirely, what
        was written: then it is removed."""
        path = self._path(label)
        entry = self._read(path)
        if entry is None or entry.label.name != label.name:
            self._forget([label])
            remove(path)
            return None
        self.touch(label)
        return entry

    def touch(self, label: Label) -> None:
        """It was used now."""
        now = time.time_ns()
        with suppress(OSError):
            os.utime(self._path(label), ns=(now, now))

    def write(self, entry: Entry, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Writes the entry, unless another one on disk serves in its place; `goes_on` is asked before each megabyte
        and ends it with False. What the budget has no room for goes, the longest unused first."""
        if not self.takes(entry) or self.serves(entry.label):
            return
        path = self._path(entry.label)
        unfinished = unfinished_name(path)
        try:
            self._make_room(file_size(self._cache_id, entry))
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._create(unfinished) as file:
                whole = write_entry(file, self._cache_id, entry, goes_on)
            if whole:
                unfinished.replace(path)
                self.touch(entry.label)
                self._take_in(entry.label, len(entry.blob))
        except OSError as error:
            self._refused(error)
        finally:
            remove(unfinished)

    def _open(self) -> None:
        """Reads what is there; removes what is damaged, foreign, of no use any more, or beyond the budget."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            self._refused(error)
            return
        if not os.access(self._folder, os.W_OK | os.X_OK):
            self._refused(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        tidy(self._root)
        self._shrink(self.budget)
        for file in cache_files(self._root):
            if file.path.parent == self._folder:
                self._recognise(file.path)

    def _recognise(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                head = read_head(file, os.fstat(file.fileno()).st_size)
        except OSError:
            return
        mine = head is not None and (head.cache_id, head.label.name) == (self._cache_id, path.stem)
        if head is None or not mine or self.serves(head.label):
            remove(path)
        else:
            self._take_in(head.label, head.size)

    def _read(self, path: Path) -> Entry | None:
        try:
            with path.open("rb") as file:
                head = read_head(file, os.fstat(file.fileno()).st_size)
                blob = read_blob(file, head) if head and head.cache_id == self._cache_id else None
        except OSError:
            return None
        return Entry(head.label, blob) if head and blob is not None else None

    def _take_in(self, label: Label, size: int) -> None:
        with self._lock:
            gone = [other for other in self._index.add(label) if other.name != label.name]
            self._sizes[label.name] = size
        self._forget(gone)
        for other in gone:
            remove(self._path(other))

    def _forget(self, labels: Iterable[Label]) -> None:
        with self._lock:
            for label in labels:
                self._index.remove(label)
                self._sizes.pop(label.name, None)

    def _make_room(self, size: int) -> None:
        """Raises OSError where even an empty cache would leave too little of the disk."""
        used = self.used
        most = min(self.budget, used + self._free(self._folder) - _SPARE_BYTES)
        if size > most:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if used + size > most:
            self._shrink(most - size)

    def _shrink(self, most: int) -> None:
        with self._lock:
            pinned = {self._path(label) for label in self._index if label.session in self._pinned}
        gone = shrink(self._root, most, pinned)
        self.losses.add(file.size for file in gone)
        names = {file.path.stem for file in gone if file.path.parent == self._folder}
        with self._lock:
            lost = [label for label in self._index if label.name in names]
        self._forget(lost)

    def _refused(self, error: OSError) -> None:
        if not self.notes:
            key = "runtime.kv_disk_full" if error.errno in FULL else "runtime.kv_unusable"
            self.notes = (Note(key, {"path": str(self._root), "reason": error.strerror or str(error)}),)

    def _path(self, label: Label) -> Path:
        return self._folder / f"{label.name}{SUFFIX}"
