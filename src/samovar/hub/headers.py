"""Headers of model files, read again only when the file has changed: one takes up to 100 ms."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from samovar.formats.gguf import GgufHeader, read_header

KEPT = 8

_Stamp = tuple[int, int, int]


class Headers:
    """The last few. Safe to use from threads. Raises as `read_header` does."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[_Stamp, GgufHeader]] = OrderedDict()

    def read(self, path: Path) -> GgufHeader:
        stamp = _stamp(path)
        kept = self._kept.get(path)
        if stamp is None or kept is None or kept[0] != stamp:
            header = read_header(path)
            if stamp is None:
                return header
            kept = self._kept[path] = (stamp, header)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return kept[1]


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
