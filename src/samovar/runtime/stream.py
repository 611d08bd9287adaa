"""The events of one request that a worker answers, as the front hears them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from samovar.core.engine import Note
from samovar.core.events import Accepted, Done, Event, Failed


class Stream:
    """A services.contracts.Generation. `cancel` is what tells the worker; `warm`: nobody waits for an answer."""

    def __init__(self, id: str, cancel: Callable[[], None], *, warm: bool = False) -> None:
        self.id = id
        self.warm = warm
        self.model = ""
        self.accepted = Accepted(0, 0)
        self.notes: tuple[Note, ...] = ()
        self._cancel = cancel
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._ended = False

    def put(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def next(self) -> Event:
        event = await self._events.get()
        self._ended = isinstance(event, Done | Failed)
        return event

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            while not self._ended:
                yield await self.next()
        finally:
            await self.cancel()

    async def cancel(self) -> None:
        if not self._ended:
            self._cancel()
