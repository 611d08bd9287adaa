"""Which model is meant when none is named: the first of the library. An empty library gets the starter model."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from samovar.core.errors import Missing
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.services.contracts import Models


def library_is_empty(home: Home) -> bool:
    """Whether no model file lies in the library. Looks at names only, which costs nothing."""
    return not any(home.models.rglob("*.gguf"))


def put_starter_if_needed(settings: Settings) -> None:
    """Puts the starter model into an empty library, where no model was asked for and the package that carries it is
    installed. Raises StorageFailed where the disk refuses."""
    if not settings.model and library_is_empty(settings.home):
        from samovar.hub.starter import put_starter

        with suppress(Missing):
            put_starter(settings.home)


async def default_model(models: Models, wanted: str | None) -> str | None:
    """`wanted`, else the first model of the library that can be run; None where there is none."""
    if wanted:
        return wanted
    library = await asyncio.to_thread(models.installed)
    return next((model.name for model in library if not model.problem), None)
