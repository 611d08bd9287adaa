"""A download that somebody follows: the hub's own pull in a thread, its progress as an iterator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from samovar.core.errors import Conflict, SamovarError
from samovar.hub import pull as hub
from samovar.services.contracts import Pulling

Fetch = Callable[[str, hub.Report], hub.Pulled]
"""Gets a source. Blocks; raises Cancelled when its report says no."""


class Downloads:
    """One at a time of each source. `named`: what the model in a file is called."""

    def __init__(self, fetch: Fetch, named: Callable[[Path], str]) -> None:
        self._fetch = fetch
        self._named = named
        self._under_way: set[str] = set()

    async def follow(self, source: str) -> AsyncIterator[Pulling]:
        """How far it is, again and again, and its model's name at the end. Closing it stops the download. Raises
        what the download fails with, Conflict while the same is pulled."""
        if source in self._under_way:
            raise Conflict("fleet.pulled_already", source=source[:200])
        self._under_way.add(source)
        news = _News()
        task = asyncio.create_task(asyncio.to_thread(self._fetch, source, news.report))
        task.add_done_callback(lambda _: news.end())
        try:
            async for told in news.follow():
                yield Pulling(told.done, told.total)
            model = await asyncio.to_thread(self._named, (await task).path)
            yield Pulling(news.done, news.done, model)
        finally:
            news.stop()
            with suppress(SamovarError):
                await asyncio.shield(task)
            self._under_way.discard(source)


class _News:
    """What a thread says, newest first for who listens in the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._newest: hub.Pulling | None = None
        self._changed = asyncio.Event()
        self._ended = False
        self._stopped = threading.Event()
        self.done = 0

    def report(self, pulling: hub.Pulling) -> bool:
        """Called by the thread: whether to go on."""
        self._loop.call_soon_threadsafe(self._take, pulling)
        return not self._stopped.is_set()

    def stop(self) -> None:
        self._stopped.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def follow(self) -> AsyncIterator[hub.Pulling]:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._newest is not None:
                newest, self._newest = self._newest, None
                yield newest
            if self._ended:
                return

    def _take(self, pulling: hub.Pulling) -> None:
        self._newest, self.done = pulling, pulling.done
        self._changed.set()
