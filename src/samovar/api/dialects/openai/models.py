"""/v1/models: every installed model, the loaded one first, because front ends show the first one. What a client
calls a model is one of these names, never a path."""

from __future__ import annotations

import asyncio

from samovar.api.dialects.openai.wire import Model, ModelList
from samovar.core.errors import NotFound
from samovar.services.contracts import Models


async def all_of(models: Models) -> ModelList:
    # Reading the headers of the library's files may touch the disk.
    installed = await asyncio.to_thread(models.installed)
    listed = {model.name: Model(model.name, int(model.created)) for model in installed}
    loaded = models.state.name
    if loaded is not None:
        listed = {loaded: listed.get(loaded, Model(loaded, 0)), **listed}
    return ModelList(list(listed.values()))


async def check(models: Models, asked: str | None) -> None:
    """Raises NotFound unless `asked` is a listed name, or None for the loaded model."""
    if asked is not None and asked != models.state.name:
        await named(models, asked)


async def named(models: Models, name: str) -> Model:
    """Raises NotFound with the names there are."""
    listed = (await all_of(models)).data
    found = next((model for model in listed if model.id == name), None)
    if found is None:
        installed = ", ".join(model.id for model in listed) or "—"
        raise NotFound("api.openai.no_model", name=name[:200], installed=installed)
    return found
