"""The library that was compiled on this machine: where a home keeps it, what it is, whether it is whole.

A folder for each version of the source and kind of processor: the libraries, the header that they were compiled
with, and `build.json`, which is written last. Loads nothing and knows nothing of compiling.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import msgspec

from samovar.core.errors import EngineFailed
from samovar.engines.llama.cpu import Cpu

MANIFEST = "build.json"
REPAIRED = "r1"
"""Other whenever other things are put right in the source before it is compiled: what was made without is not
found."""
HEADER = "llama.h"
PREFIX, SUFFIX = {"win32": ("", ".dll"), "darwin": ("lib", ".dylib")}.get(sys.platform, ("lib", ".so"))
LIBRARIES = tuple(f"{PREFIX}{name}{SUFFIX}" for name in ("llama", "ggml"))
"""File names of what is kept; the first is the one to load."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`source`: version of the package that the source came with. `files`: SHA-256 by name. `built`: Unix seconds.
    `gain`: how many times faster than the prebuilt library it read a prompt."""

    source: str
    processor: str
    compiler: str
    built: float
    files: dict[str, str]
    gain: float


class Native(msgspec.Struct, frozen=True):
    """A compiled library. `version` is other for every build that was made."""

    folder: str
    version: str
    manifest: Manifest

    @property
    def library(self) -> Path:
        return Path(self.folder) / LIBRARIES[0]

    @property
    def header(self) -> str:
        return (Path(self.folder) / HEADER).read_text(encoding="utf-8")

    def check(self) -> None:
        """Raises EngineFailed where a file is not what was compiled: it may end the process that loads it."""
        for name, wanted in self.manifest.files.items():
            if sha256(Path(self.folder) / name) != wanted:
                raise EngineFailed("engines.native_damaged", file=name, folder=self.folder)


def place(builds: Path, source: str, cpu: Cpu) -> Path:
    """The folder for the library of version `source` for `cpu`, whether it is there or not."""
    return builds / f"ik-{source}-{REPAIRED}-{cpu.machine}-{cpu.key}"


def read_native(folder: Path) -> Native | None:
    """The library in `folder`; None where there is none that was finished."""
    try:
        told = (folder / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(told, type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None
    mark = hashlib.blake2b(told, digest_size=4).hexdigest()
    return Native(str(folder), f"{manifest.source}+{mark}", manifest)


def sha256(path: Path) -> str:
    """In hexadecimal; "" for a file that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
