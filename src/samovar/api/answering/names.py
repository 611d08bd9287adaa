"""What models are called by clients: the names of the library, never a path."""

from __future__ import annotations

import asyncio

from samovar.core.errors import NotFound
from samovar.services.contracts import InstalledModel, Models


async def listed(models: Models) -> list[InstalledModel]:
    """Every installed model, the loaded one first, because front ends show the first one."""
    # Reading the headers of the library's files may touch the disk.
    installed = await asyncio.to_thread(models.installed)
    loaded = models.state.name
    if loaded is not None and all(model.name != loaded for model in installed):
        installed = (InstalledModel(loaded, "", 0, "", "", 0.0), *installed)
    return sorted(installed, key=lambda model: model.name != loaded)


def loaded(models: Models, asked: str) -> str | None:
    """The loaded model that `asked` means, if it is one: that can be told without a look at the library."""
    name = models.meant(asked)
    return name if name == models.state.name or any(one.name == name for one in models.loaded()) else None


async def check(models: Models, asked: str | None) -> None:
    """Raises NotFound unless `asked` is a name of a listed model, or None for the page's."""
    if asked is not None and loaded(models, asked) is None:
        await named(models, asked)


async def named(models: Models, name: str) -> InstalledModel:
    """The model of that name, or that goes by it as well. Raises NotFound with the names there are."""
    known, name = await listed(models), models.meant(name)
    found = next((model for model in known if model.name == name), None)
    if found is None:
        installed = ", ".join(model.name for model in known) or "—"
        raise NotFound("api.no_model", name=name[:200], installed=installed)
    return found
