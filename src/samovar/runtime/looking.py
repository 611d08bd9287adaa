"""What a worker holds at this moment, in the words of `counts`. Reads the scheduler, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from samovar.runtime.answer import Choice
from samovar.runtime.cells import Slot
from samovar.runtime.counts import SlotState, WorkerState
from samovar.runtime.jobs import Job
from samovar.runtime.kv import TierSizes
from samovar.runtime.scheduler import Scheduler


def state_of(
    scheduler: Scheduler, choices: Mapping[Job, Choice], tiers: TierSizes, wanted: int | None
) -> WorkerState:
    """`wanted`: the sequence whose tokens are to be told."""
    jobs = {job.slot.sequence: job for job in scheduler.running if job.slot}
    cells = scheduler.caches.cells
    return WorkerState(
        slots=tuple(_slot(slot, jobs.get(slot.sequence), scheduler, choices, wanted) for slot in scheduler.slots),
        running=sum(job.leader is None for job in scheduler.running),
        waiting=len(scheduler.waiting),
        cells=cells.total,
        used=cells.total - cells.free,
        tiers=tiers,
    )


def _slot(
    slot: Slot, job: Job | None, scheduler: Scheduler, choices: Mapping[Job, Choice], wanted: int | None
) -> SlotState:
    choice = choices.get(job) if job else None
    tokens = job.tokens if job else slot.last
    return SlotState(
        id=slot.sequence,
        busy=slot.busy,
        held=len(slot.tokens),
        asked=job.prompt if job else slot.asked,
        cached=max(job.cached, 0) if job else 0,
        drawn=len(job.tokens) - job.prompt if job else max(len(slot.last) - slot.asked, 0),
        left=choice.left(scheduler.room(job)) if job and choice else 0,
        window=scheduler.limits.window,
        tenant=slot.tenant,
        tokens=tuple(tokens) if slot.sequence == wanted else (),
    )
