"""The installed models beyond their names: what their files say, getting and removing them, other names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from samovar.core.errors import Conflict
from samovar.core.library import InstalledModel, Own
from samovar.formats.gguf import GgufHeader, LazyArray, read_header
from samovar.formats.shape import model_shape
from samovar.services.contracts import ModelDetails, Models, Pulling
from samovar.services.loading import LoadPlanner
from samovar.services.own import check_template
from samovar.services.pulling import Downloads

LONGEST_VALUE = 200
"""Characters of a metadata value that is passed on."""


class LibraryService:
    """A services.contracts.Library over the planner's library and the models that are loaded."""

    def __init__(self, planner: LoadPlanner, models: Models, downloads: Downloads) -> None:
        self._planner = planner
        self._models = models
        self._downloads = downloads

    async def details(self, name: str) -> ModelDetails:
        return await asyncio.to_thread(self._details, name)

    def pull(self, source: str) -> AsyncIterator[Pulling]:
        return self._downloads.follow(source)

    async def remove(self, name: str) -> None:
        library = self._planner.library
        model = await asyncio.to_thread(library.find, name)
        if model.name in self._models.answering():
            raise Conflict("fleet.answers", name=model.name)
        await self._models.unload(model.name)
        await asyncio.to_thread(library.remove, model.name)

    async def alias(self, name: str, alias: str) -> None:
        await asyncio.to_thread(self._planner.library.add_alias, alias, name)

    async def unalias(self, alias: str) -> None:
        await asyncio.to_thread(self._planner.library.roll.remove_alias, alias)

    async def aliases(self) -> dict[str, str]:
        return dict(self._planner.library.roll.entries().aliases)

    async def own(self, name: str) -> Own:
        roll = self._planner.library.roll
        return roll.own(roll.meant(name))

    async def set_own(self, name: str, own: Own) -> None:
        await self._models.dress(await asyncio.to_thread(self._set_own, name, own))

    def _set_own(self, name: str, own: Own) -> str:
        """The model's own name."""
        if own.template is not None:
            check_template(own.template)
        model = self._planner.find(name).name
        self._planner.library.roll.set_own(model, own)
        return model

    def _details(self, name: str) -> ModelDetails:
        model = self._planner.find(name)
        return _described(model, read_header(Path(model.path)))


def _described(model: InstalledModel, header: GgufHeader) -> ModelDetails:
    shape = model_shape(header)
    single = {key: value for key, value in header.metadata.items() if not isinstance(value, LazyArray | tuple)}
    short = {k: v for k, v in single.items() if not isinstance(v, str) or len(v) <= LONGEST_VALUE}
    return ModelDetails(
        model=model,
        parameters=sum(tensor.elements for tensor in header.tensors),
        trained_context=shape.trained_context,
        embedding=shape.embedding,
        template=shape.chat_template,
        metadata=short,
    )
