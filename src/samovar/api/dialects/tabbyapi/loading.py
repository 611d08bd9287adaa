"""The progress of a load, as tabbyAPI's clients follow it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from samovar.core.engine import EngineInfo
from samovar.core.errors import SamovarError
from samovar.services.contracts import Models

MODULES = 100
"""Of how many parts a load is said to consist: progress is known as a share."""


class Step(msgspec.Struct, frozen=True):
    module: int
    status: str
    modules: int = MODULES
    model_type: str = "model"


async def steps(
    models: Models, name: str, task: asyncio.Task[EngineInfo], shape: Callable[[SamovarError], object]
) -> AsyncGenerator[bytes, None]:
    """Frames while `task` loads the model `name`, then one that says how that ended. The task is left alone when
    the asker goes away."""
    told = asyncio.create_task(_next_of(models, name, -1))
    seen = -1
    try:
        while not task.done():
            await asyncio.wait((task, told), return_when=asyncio.FIRST_COMPLETED)
            if told.done() and not task.done():
                seen = told.result()
                yield _frame(Step(seen, "processing"))
                told = asyncio.create_task(_next_of(models, name, seen))
        task.result()
        yield _frame(Step(MODULES, "finished"))
    except SamovarError as error:
        yield _frame(shape(error))
    finally:
        told.cancel()


async def _next_of(models: Models, name: str, after: int) -> int:
    """The next progress of the model's load that is more than `after`, in parts of `MODULES`."""
    async for state in models.watch():
        reached = int(state.progress * MODULES)
        if state.name == name and state.state == "loading" and reached > after:
            return reached
    return await asyncio.Future()


def _frame(value: object) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
