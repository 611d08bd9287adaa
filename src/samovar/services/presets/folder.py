"""A person's own presets: one JSON file each, its name the file's. Blocks on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from samovar.core.errors import InvalidInput, StorageFailed
from samovar.core.parameters import SamplingParams
from samovar.services.presets.names import key
from samovar.services.presets.params import checked, plain, switched_off
from samovar.services.presets.values import Preset, PresetFile

ENDING = ".json"
LARGEST = 1 << 20
"""Bytes of a file: a hundred thousand biases."""


class PresetFolder:
    """The presets in a folder, which may be missing. Names are looked up as `names.key` has them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """In alphabetical order, damaged ones too. Raises StorageFailed."""
        return sorted((path.stem for path in self._files()), key=key)

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def read(self, name: str) -> Preset | None:
        """None where there is no such file. Raises InvalidInput for a damaged one, StorageFailed."""
        path = self._find(name)
        return None if path is None else preset(path.stem, _read(path), builtin=False)

    def write(self, name: str, file: PresetFile) -> None:
        """Adds it, or puts it in the place of the one of that name; whole or not at all. Raises StorageFailed."""
        path = self._find(name) or self._folder / f"{name}{ENDING}"
        with _named_failures(path):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(path, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")

    def rename(self, name: str, to: str) -> None:
        """Where it is there. Raises StorageFailed."""
        path = self._find(name)
        if path is not None:
            with _named_failures(path):
                path.rename(path.with_name(f"{to}{ENDING}"))

    def delete(self, name: str) -> bool:
        """Whether it was there. Raises StorageFailed."""
        path = self._find(name)
        if path is None:
            return False
        with _named_failures(path):
            path.unlink(missing_ok=True)
        return True

    def _find(self, name: str) -> Path | None:
        return next((path for path in self._files() if key(path.stem) == key(name)), None)

    def _files(self) -> list[Path]:
        try:
            with _named_failures(self._folder):
                return [p for p in self._folder.iterdir() if p.suffix == ENDING and not p.name.startswith(".")]
        except FileNotFoundError:
            return []


def preset(name: str, file: PresetFile, *, builtin: bool) -> Preset:
    """`file`, checked. Raises InvalidParameter."""
    named = checked(file.values, file.order)
    return Preset(name, file.about, builtin, named, switched_off(named))


def file_of(named: SamplingParams, about: str = "") -> PresetFile:
    return PresetFile(about, plain(named.values), named.order)


def _read(path: Path) -> PresetFile:
    with _named_failures(path):
        size = path.stat().st_size
        raw = path.read_bytes() if size <= LARGEST else b""
    if size > LARGEST:
        raise InvalidInput("presets.too_large", file=path.name, size=size, largest=LARGEST)
    try:
        return msgspec.json.decode(raw, type=PresetFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("presets.damaged", file=path.name, reason=str(error)) from error


def _replace(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailed("presets.disk", path=str(path), reason=error.strerror or str(error)) from error
