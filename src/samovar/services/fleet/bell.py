"""Something that rings for everybody who waits at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Who waits looks, after each ring, whether what it waits for has come."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def next(self) -> None:
        """Returns at the next ring."""
        await self._rung.wait()

    @contextmanager
    def afterwards(self) -> Iterator[None]:
        """Rings when it is left."""
        try:
            yield
        finally:
            self.ring()
