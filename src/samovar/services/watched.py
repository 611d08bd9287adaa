"""A value that many may watch: each watcher sees the present value, then the newest one after every change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Watched(Generic[T]):
    """Values in between may be skipped for a slow watcher; the last one never is."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._changed = asyncio.Event()

    @property
    def value(self) -> T:
        return self._value

    def set(self, value: T) -> None:
        if value != self._value:
            self._value = value
            self._changed.set()
            self._changed = asyncio.Event()

    async def watch(self) -> AsyncIterator[T]:
        while True:
            changed = self._changed
            yield self._value
            await changed.wait()
