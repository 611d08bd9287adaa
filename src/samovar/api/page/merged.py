"""Several streams as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def merged(*sources: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Items of all sources as they come; ends as soon as one of them ends, or with the error of one. A source is
    not asked for its next item before its last one was taken."""
    waiting = {asyncio.ensure_future(_next(source)): source for source in sources}
    try:
        while True:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                source = waiting.pop(task)
                try:
                    item = task.result()
                except StopAsyncIteration:
                    return
                yield item
                waiting[asyncio.ensure_future(_next(source))] = source
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _next(source: AsyncIterator[T]) -> T:
    return await anext(source)
