"""What is done for chats beside requests, with the model that is loaded at the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from samovar.core.requests import Completion, Message
from samovar.runtime.kv import forget_session
from samovar.services.answers import AnswerService
from samovar.services.contracts import Generation, Measured
from samovar.services.models import ModelService


class IdleService:
    """A services.contracts.Idle over the served model."""

    def __init__(self, models: ModelService, answers: AnswerService, caches: Path) -> None:
        """`caches`: the home's folder of them."""
        self._models = models
        self._answers = answers
        self._caches = caches

    async def measure(self, messages: Sequence[Message]) -> Measured | None:
        async with self._models.ready() as served:
            return await self._answers.sizes.measure(served, messages) if served else None

    async def warm(self, completion: Completion) -> Generation | None:
        async with self._models.ready() as served:
            # What is read ahead differs from what is asked in its last tokens: a cache that cannot be cut there has
            # lost the state that the question could have gone on from.
            if served is None or not served.info.capabilities.can_remove_tail:
                return None
            return await self._answers.ask(served, replace(completion, warm=True))

    def pin(self, sessions: tuple[str, ...]) -> None:
        self._models.pin(sessions)

    async def forget(self, session: str) -> None:
        self._models.forget(session)
        await asyncio.to_thread(forget_session, self._caches, session)

    async def loads(self) -> AsyncIterator[None]:
        async for state in self._models.watch():
            if state.state == "ready":
                yield None
