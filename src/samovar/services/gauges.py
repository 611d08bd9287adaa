"""What the models' workers have done and hold, read when somebody asks."""

from __future__ import annotations

from contextlib import suppress

import psutil

from samovar.core.errors import SamovarError
from samovar.runtime.counts import WorkerState
from samovar.runtime.process import WorkerProcess
from samovar.services.contracts import Reading
from samovar.services.models import ModelService


class GaugeService:
    """A services.contracts.Gauges over the models that were served."""

    def __init__(self, models: ModelService) -> None:
        self._models = models

    async def read(self) -> tuple[Reading, ...]:
        workers = self._models.workers()
        return tuple(
            [
                Reading(
                    name,
                    tally.counts,
                    tally.crashes,
                    await _state(workers[name]) if name in workers else None,
                    _memory(workers[name].pid) if name in workers else 0,
                    tally.evicted,
                )
                for name, tally in self._models.tallies.items()
            ]
        )


async def _state(worker: WorkerProcess) -> WorkerState | None:
    """None where the worker is going: that it has gone will be counted."""
    with suppress(SamovarError):
        return await worker.look()
    return None


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
