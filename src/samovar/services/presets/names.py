"""Names of presets, which are names of files on any system."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from samovar.core.errors import InvalidInput

LONGEST = 80
"""Characters. File systems count bytes: 80 characters of any alphabet stay within their 255 with the ending."""

MOST_BYTES = 240

# What some system refuses in a file's name, or reads as something else; halves of surrogate pairs.
REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')

DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""Windows opens a device for a file of such a name, whatever its ending."""


def safe_name(name: str) -> str:
    """`name` in its one Unicode spelling. Raises InvalidInput for what cannot be a file's name everywhere."""
    spelled = unicodedata.normalize("NFC", name)
    if not spelled or _cleaned(spelled) != spelled:
        raise InvalidInput("presets.bad_name", name=name[:LONGEST], longest=LONGEST)
    return spelled


def name_for(filename: str) -> str:
    """The name for a preset that came in a file called `filename`, which may be anything."""
    stem = PurePosixPath(filename.replace("\\", "/")).stem
    return _cleaned(unicodedata.normalize("NFC", stem)) or "preset"


def key(name: str) -> str:
    """The same for names that a file system may take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _cleaned(name: str) -> str:
    kept = REFUSED.sub("", name)[:LONGEST].encode()[:MOST_BYTES].decode(errors="ignore").lstrip(". ").rstrip(". ")
    return f"{kept} preset" if kept.partition(".")[0].strip().lower() in DEVICES else kept
