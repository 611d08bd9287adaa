"""The characters in a folder of the home, by name. A name is compared with the files that are there, and never
becomes a path."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from pathlib import Path

from samovar.core.errors import InvalidInput, StorageFailed
from samovar.services.characters.parsing import LOADERS, read
from samovar.services.contracts import Character, NoSuchCharacter
from samovar.services.presets.names import LONGEST, key

LARGEST = 256 * 1024
"""Bytes of a file: some fifty thousand words."""

MOST_NEAR = 3


class CharacterService:
    """A services.contracts.Characters over a folder, which may be missing. The disk is touched on other threads
    than the event loop's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def names(self) -> tuple[str, ...]:
        return await asyncio.to_thread(lambda: tuple(path.stem for path in self._files().values()))

    async def get(self, name: str) -> Character:
        return await asyncio.to_thread(self._get, name)

    def _get(self, name: str) -> Character:
        files = self._files()
        path = files.get(key(name))
        if path is None:
            raise self._missing(name, files)
        return read(path.stem, path.suffix.lower(), self._bytes(path))

    def _files(self) -> dict[str, Path]:
        """By the key of the name, in alphabetical order; of several endings the first of `LOADERS`."""
        order = list(LOADERS)
        try:
            found = [path for path in self._folder.iterdir() if path.suffix.lower() in LOADERS]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _disk(self._folder, error) from error
        found = [path for path in found if not path.name.startswith(".")]
        found.sort(key=lambda path: (key(path.stem), -order.index(path.suffix.lower())))
        return {key(path.stem): path for path in found}

    def _bytes(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
        except OSError as error:
            raise _disk(path, error) from error
        if len(raw) > LARGEST:
            raise InvalidInput("characters.too_large", file=path.name, largest=LARGEST // 1024)
        return raw

    def _missing(self, name: str, files: dict[str, Path]) -> NoSuchCharacter:
        if not files:
            return NoSuchCharacter("characters.none", name=name[:LONGEST])
        near = get_close_matches(key(name), files, MOST_NEAR, 0.5) or list(files)[:MOST_NEAR]
        return NoSuchCharacter(
            "characters.missing", name=name[:LONGEST], near=", ".join(files[n].stem for n in near)
        )


def _disk(path: Path, error: OSError) -> StorageFailed:
    return StorageFailed("characters.disk", path=str(path), reason=error.strerror or str(error))
