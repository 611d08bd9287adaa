"""A request on its way to its first event, which takes long where a model has to be loaded for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine

from starlette.types import Receive

from samovar.api.sse import disconnected
from samovar.core.engine import Note
from samovar.core.errors import Cancelled
from samovar.core.events import Accepted, Event
from samovar.services.contracts import Generation

BRIEF = 1.0
"""Seconds. What fails sooner has a status of its own; a load is spoken of no sooner, and no more often."""


class Starting:
    """Waits for a generation, in pieces."""

    def __init__(self, work: Coroutine[None, None, Generation]) -> None:
        self._task = asyncio.ensure_future(work)

    async def within(self, receive: Receive, seconds: float) -> bool:
        """Whether it is settled after at most so many seconds. Raises Cancelled where the client goes away first;
        nothing goes on then."""
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            await asyncio.wait((self._task, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not self._task.done():
                raise Cancelled("api.disconnected")
        except BaseException:
            await self.cancel()
            raise
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        return self._task.done()

    async def settled(self, seconds: float) -> bool:
        """Whether it is settled after at most so many seconds."""
        await asyncio.wait((self._task,), timeout=seconds)
        return self._task.done()

    def result(self) -> Generation:
        """Of a settled one. Raises what it failed with."""
        return self._task.result()

    async def cancel(self) -> None:
        """Ends it, and the generation where there is one already."""
        self._task.cancel()
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        if not isinstance(ended, BaseException):
            await ended.cancel()


class Unborn:
    """Stands for a generation that never came: what a wire needs to say why."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.accepted = Accepted(0, 0)
        self.notes: tuple[Note, ...] = ()

    async def __aiter__(self) -> AsyncIterator[Event]:
        nothing: tuple[Event, ...] = ()
        for event in nothing:
            yield event

    async def cancel(self) -> None: ...
