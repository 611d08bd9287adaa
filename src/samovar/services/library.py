"""The installed models beyond their names: what their files say, getting and removing them, other names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from samovar.core.errors import Missing
from samovar.core.library import InstalledModel
from samovar.formats.gguf import GgufHeader, LazyArray, read_header
from samovar.formats.shape import model_shape
from samovar.services.contracts import ModelDetails, Models, Pulling
from samovar.services.loading import LoadPlanner

LONGEST_VALUE = 200
"""Characters of a metadata value that is passed on."""


class LibraryService:
    """A services.contracts.Library over the planner's library and the models that are loaded."""

    def __init__(self, planner: LoadPlanner, models: Models) -> None:
        self._planner = planner
        self._models = models

    async def details(self, name: str) -> ModelDetails:
        return await asyncio.to_thread(self._details, name)

    def pull(self, source: str) -> AsyncIterator[Pulling]:
        raise Missing("library.not_here", source=source)

    async def remove(self, name: str) -> None:
        raise Missing("library.not_here", source=name)

    async def alias(self, name: str, alias: str) -> None:
        raise Missing("library.not_here", source=f"{name} {alias}")

    async def aliases(self) -> dict[str, str]:
        return {}

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
