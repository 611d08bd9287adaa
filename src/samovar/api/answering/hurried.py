"""An answer that may take so long only: an editor that completes while a person types has no use for a late one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from samovar.core.engine import Note
from samovar.core.events import Accepted, Delta, Event, Finish
from samovar.services.contracts import Generation


class Hurried:
    """A Generation that is cancelled once `milliseconds` have passed since its first token and every choice that
    still grows has a whole line; as llama.cpp's `t_max_predict_ms`. `now`: seconds."""

    def __init__(
        self, generation: Generation, milliseconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._generation = generation
        self._seconds = milliseconds / 1000
        self._now = now

    @property
    def model(self) -> str:
        return self._generation.model

    @property
    def accepted(self) -> Accepted:
        return self._generation.accepted

    @property
    def notes(self) -> tuple[Note, ...]:
        return self._generation.notes

    async def cancel(self) -> None:
        await self._generation.cancel()

    async def __aiter__(self) -> AsyncIterator[Event]:
        until: float | None = None
        growing: set[int] = set()
        lined: set[int] = set()
        async for event in self._generation:
            yield event
            match event:
                case Delta(index, text):
                    until = self._now() + self._seconds if until is None else until
                    growing.add(index)
                    lined |= {index} if "\n" in text else set()
                case Finish(index):
                    growing.discard(index)
                case _:
                    continue
            if growing and growing <= lined and until is not None and self._now() >= until:
                await self._generation.cancel()
