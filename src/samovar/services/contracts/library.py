"""The models that are installed, beyond their names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from samovar.core.library import InstalledModel, Own


class ModelDetails(msgspec.Struct, frozen=True):
    """What the file of an installed model says. `parameters`: how many weights; `metadata`: its short values, by
    their own keys."""

    model: InstalledModel
    parameters: int
    trained_context: int
    embedding: int
    template: str | None
    metadata: dict[str, str | int | float | bool]


class Pulling(msgspec.Struct, frozen=True):
    """How far a download is, in bytes; `total` None where the source does not tell. `model`: its name, once it is
    whole and in the library."""

    done: int
    total: int | None
    model: str | None = None


class Library(Protocol):
    """The models that are installed, beyond their names."""

    async def details(self, name: str) -> ModelDetails:
        """Raises NotFound, BadModelFile."""
        ...

    def pull(self, source: str) -> AsyncIterator[Pulling]:
        """Gets a model from a hub or an https address, never from a place of this machine. Ends when it is in the
        library; closing the iterator stops it, and what has come is kept for the next pull. Raises InvalidInput,
        NotFound, DownloadFailed, StorageFailed, Conflict while the same is pulled."""
        ...

    async def remove(self, name: str) -> None:
        """Deletes a model's files, unloading it first. Raises NotFound, Conflict while it answers."""
        ...

    async def alias(self, name: str, alias: str) -> None:
        """From now on `alias` means the model `name`. Raises NotFound, InvalidInput for a name that cannot be one,
        Conflict where a model or another alias is called so."""
        ...

    async def unalias(self, alias: str) -> None:
        """From now on `alias` means nothing. Raises NotFound."""
        ...

    async def aliases(self) -> dict[str, str]:
        """Model names by alias."""
        ...

    async def own(self, name: str) -> Own:
        """What a model (by any of its names) has of its own beside its context."""
        ...

    async def set_own(self, name: str, own: Own) -> None:
        """Template and preset hold at once, the rest from the model's next load. Raises NotFound, StorageFailed,
        InvalidInput for a template that is none."""
        ...
