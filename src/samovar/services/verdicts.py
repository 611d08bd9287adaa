"""Keeps what was learnt about computing a model, from one start to the next."""

from __future__ import annotations

import asyncio

from samovar.core.engine import LoadSpec
from samovar.runtime.trust import Verdict
from samovar.services.loading import verdict_key
from samovar.store.records import Records


class VerdictKeeper:
    """Verdicts by what they hold for. Raises StorageFailed."""

    def __init__(self, stored: Records) -> None:
        self._stored = stored

    async def recall(self, spec: LoadSpec) -> Verdict:
        key = await asyncio.to_thread(verdict_key, spec)
        return await self._stored.get(key, Verdict) or Verdict()

    async def remember(self, spec: LoadSpec, verdict: Verdict) -> None:
        await self._stored.put(await asyncio.to_thread(verdict_key, spec), verdict)
