"""One timer for each model, and tasks that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol


class Handle(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Handle]
"""Calls something after so many seconds, unless the handle is cancelled before."""


class Timers:
    """By name; a new one takes the place of the one before."""

    def __init__(self, later: Later | None = None) -> None:
        self._later = later
        self._running: dict[str, Handle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def set(self, name: str, seconds: float, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Does `work` after so many seconds."""
        self.cancel(name)
        later = self._later or asyncio.get_running_loop().call_later
        self._running[name] = later(seconds, lambda: self.run(work()))

    def cancel(self, name: str) -> None:
        handle = self._running.pop(name, None)
        if handle is not None:
            handle.cancel()

    def run(self, work: Coroutine[object, object, None]) -> None:
        """Does it now, beside the caller."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
