"""What is said about models by name: other names for them, and what each has of its own.

One JSON file of the home, which a person may edit: it is read again whenever it has changed. Refuses to know
whether there are such models.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from samovar.core.errors import Conflict, InvalidInput, NotFound
from samovar.core.library import NOTHING_OF_ITS_OWN, Own
from samovar.hub.placing import storage_failure

LONGEST_ALIAS = 200
MOST_ALIASES = 1000

T = TypeVar("T")


class Entries(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file. `aliases`: model names by other names; `models`: by name, what each has of its own."""

    aliases: dict[str, str] = {}
    models: dict[str, Own] = {}


EMPTY = Entries()
_Stamp = tuple[int, int, int]


class Roll:
    """The file at `path`, which need not be there. Safe to use from threads. Raises InvalidInput where the file is
    damaged, StorageFailed where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[_Stamp, Entries] | None = None

    def entries(self) -> Entries:
        try:
            stat = self._path.stat()
        except OSError:
            return EMPTY
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        read = self._read
        if read is None or read[0] != stamp:
            read = self._read = (stamp, self._decoded())
        return read[1]

    def meant(self, name: str) -> str:
        """The model that `name` is another name for, else `name` itself."""
        return self.entries().aliases.get(name, name)

    def own(self, model: str) -> Own:
        return self.entries().models.get(model, NOTHING_OF_ITS_OWN)

    def set_own(self, model: str, own: Own) -> None:
        """In place of what was said before."""
        entries = self.entries()
        models = _with(entries.models, model, own if own != NOTHING_OF_ITS_OWN else None)
        self._write(msgspec.structs.replace(entries, models=models))

    def add_alias(self, alias: str, model: str) -> None:
        """Raises InvalidInput for what cannot be a name, Conflict where `alias` means another model."""
        entries = self.entries()
        check_alias(alias)
        if entries.aliases.get(alias, model) != model:
            raise Conflict("fleet.alias_taken", alias=alias, name=entries.aliases[alias])
        if len(entries.aliases) >= MOST_ALIASES:
            raise InvalidInput("fleet.alias_many", most=MOST_ALIASES)
        self._write(msgspec.structs.replace(entries, aliases=_with(entries.aliases, alias, model)))

    def remove_alias(self, alias: str) -> None:
        """Raises NotFound."""
        entries = self.entries()
        if alias not in entries.aliases:
            raise NotFound("fleet.no_alias", alias=alias[:LONGEST_ALIAS])
        self._write(msgspec.structs.replace(entries, aliases=_with(entries.aliases, alias, None)))

    def forget(self, model: str) -> None:
        """Nothing is said about the model any more."""
        entries = self.entries()
        aliases = {alias: name for alias, name in entries.aliases.items() if name != model}
        left = Entries(aliases, _with(entries.models, model, None))
        if left != entries:
            self._write(left)

    def _decoded(self) -> Entries:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Entries)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise InvalidInput("fleet.roll_damaged", path=str(self._path), reason=str(error)) from error

    def _write(self, entries: Entries) -> None:
        """Whole or not at all."""
        text = msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n"
        try:
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".models-")
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            Path(temporary).replace(self._path)
        except OSError as error:
            raise storage_failure(error, self._path) from error


def check_alias(alias: str) -> None:
    """Raises InvalidInput for an empty or very long name, and for characters that are not seen."""
    if not (0 < len(alias) <= LONGEST_ALIAS and alias.isprintable() and alias == alias.strip()):
        raise InvalidInput("fleet.alias_odd", most=LONGEST_ALIAS)


def _with(entries: dict[str, T], key: str, value: T | None) -> dict[str, T]:
    rest = {k: v for k, v in entries.items() if k != key}
    return rest if value is None else rest | {key: value}
