"""Removes what was kept of a conversation, for all models, whether or not one runs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from samovar.runtime.kv.blobfile import read_head
from samovar.runtime.kv.folder import cache_files, remove


def forget_session(root: Path, session: str) -> None:
    """`root`: the home's folder of caches. Reads the head of every file in it; what the system does not let go of
    stays. A model that runs must be told as well (`Tiers.forget`)."""
    for file in cache_files(root):
        with suppress(OSError), file.path.open("rb") as opened:
            head = read_head(opened, os.fstat(opened.fileno()).st_size)
            if head and head.label.session == session:
                remove(file.path)
