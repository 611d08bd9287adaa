"""The sequences of the engine's cache: what each holds, who gets which, and what is given up for whom.

A job takes over the longest beginning of its tokens that is held anywhere: in the sequence that it then uses, in
another one (copied), behind a gap that dropped turns left (shifted), or on the shelf (restored). Pure: what the
engine has to do is written into the plan.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from samovar.runtime.cells import Cells, Slot, common
from samovar.runtime.jobs import Copy, Job, Limits, Plan, Remove, Restore, Save, Shift
from samovar.runtime.shelf import Found, Shelf


@dataclass(frozen=True)
class Offer:
    """A way to get the cache of a job's first `keep` tokens. Of two that give as much, the one of less `cost`."""

    keep: int
    cost: int
    take: Callable[[Job, Plan], None]


class Caches:
    """See the module's first lines. One scheduler owns it."""

    def __init__(self, limits: Limits, shelf: Shelf) -> None:
        self._limits = limits
        self._shelf = shelf
        self._clock = 0
        self.cells = Cells(limits.cells)
        self.slots = [Slot(i) for i in range(limits.sequences)]

    @property
    def idle(self) -> list[Slot]:
        """The slots that nobody uses: empty ones first, then the one used longest ago."""
        return sorted((slot for slot in self.slots if not slot.busy), key=lambda s: (bool(s.tokens), s.used_at))

    @property
    def held(self) -> int:
        """Cells that busy slots hold."""
        return len(set[int]().union(*(slot.cells for slot in self.slots if slot.busy)))

    def place(self, job: Job, plan: Plan) -> None:
        """Gives `job` an idle slot, with as much of its tokens' cache as there is. There is an idle slot."""
        job.admitted = self.tick()
        offers = [offer for offer in self._offers(job) if offer.keep]
        best = max(offers, key=lambda offer: (offer.keep, -offer.cost), default=None)
        if best:
            best.take(job, plan)
        else:
            self._empty(self.idle[0], plan)
            self._settle(job, self.idle[0])
        if not self._limits.apart:
            self._give_up_saved(plan)

    def restored(self, job: Job, *, worked: bool) -> None:
        """What became of a `Restore`: where it did not work, the sequence is empty. A job that had to give its
        sequence up in the meantime is not touched."""
        if job.slot is None:
            return
        job.slot.restoring = False
        if not worked:
            self.cut(job.slot, 0)
            job.cached = 0

    def lend(self, source: Slot, target: Slot, count: int, plan: Plan) -> None:
        """Gives the first `count` tokens of `source` to `target`, in place of what that holds."""
        self.trim(target, 0, plan)
        self._copy(source, target, count, plan)

    def grow(self, slot: Slot, tokens: list[int]) -> None:
        slot.cells += self.cells.take(len(tokens))
        slot.tokens += tokens

    def trim(self, slot: Slot, keep: int, plan: Plan) -> None:
        if keep < len(slot.tokens):
            self.cut(slot, keep)
            plan.ops.append(Remove(slot.sequence, keep))

    def cut(self, slot: Slot, keep: int) -> None:
        """As `trim`, where the engine has done it or is told in another way."""
        self.cells.release(slot.cells[keep:])
        del slot.cells[keep:], slot.tokens[keep:]
        slot.known = slot.known if slot.known <= keep else 0
        slot.saved = min(slot.saved, keep)

    def free(self, slot: Slot) -> None:
        """Nobody uses the slot any more; what it holds stays."""
        slot.busy, slot.used_at = False, self.tick()

    def give_up_one(self, plan: Plan) -> bool:
        """Gives up the idle cache that was used longest ago. False where there is none."""
        spare = [slot for slot in self.idle if slot.tokens]
        if spare:
            self._empty(spare[0], plan)
        return bool(spare)

    def save(self, slot: Slot, plan: Plan) -> None:
        """Sees that the shelf has what the slot holds."""
        saving = self._saving(slot)
        if saving:
            plan.ops.append(saving)

    def unsaved(self) -> Save | None:
        """The idle cache, used last, that the shelf was not offered yet."""
        return next((saving for slot in reversed(self.idle) if (saving := self._saving(slot))), None)

    def tick(self) -> int:
        self._clock += 1
        return self._clock

    def _offers(self, job: Job) -> list[Offer]:
        able, idle = self._limits, self.idle
        mine = [slot for slot in self.slots if slot.tokens and not slot.restoring and slot.tenant == job.tenant]
        offers = [offer for slot in mine if (offer := self._live(slot, job, idle))]
        if able.can_shift:
            offers += [offer for slot in mine if not slot.busy and (offer := self._behind_gap(slot, job))]
        live = max((offer.keep for offer in offers), default=0)
        found = self._shelf.longest(job.tokens[:-1], job.tenant)
        if found and found.shared >= live + able.worth and self._could_hold(found.length):
            offers.append(Offer(found.shared, 2, partial(self._restore, found)))
        return offers

    def _live(self, slot: Slot, job: Job, idle: list[Slot]) -> Offer | None:
        """What `slot` holds of the job's tokens: taken in place, or copied where the slot is in use, or would lose
        more than half of its tokens while another is free. A swipe, which loses only an answer, is done in place:
        every cell in use slows each token that is drawn."""
        keep = self._usable(slot, job)
        others = [other for other in idle if other is not slot]
        cheap = keep * 2 >= len(slot.tokens) or keep >= slot.asked - 1
        if not slot.busy and (cheap or not others or not self._limits.can_copy):
            return Offer(keep, 0, partial(self._in_place, slot, keep))
        if others and self._limits.can_copy:
            return Offer(keep, 1, partial(self._copied, slot, others[0], keep))
        return None

    def _usable(self, slot: Slot, job: Job) -> int:
        """Tokens of the slot's cache that the job can keep: all but the last, which must be computed for its
        logits, unless those are kept."""
        shared = common(slot.tokens, job.tokens)
        if not self._limits.can_remove_tail and shared < len(slot.tokens):
            return 0
        whole = len(job.tokens)
        if shared < whole or slot.known == whole:
            return shared
        return whole - 1 if self._limits.can_remove_tail else 0

    def _behind_gap(self, slot: Slot, job: Job) -> Offer | None:
        start = common(slot.tokens, job.tokens)
        gap, alike = gap_after(slot.tokens, job.tokens[:-1], start, self._limits.probe)
        # A cell has one position: shifted for one sequence, it is shifted for all that share it.
        if not alike or not self.cells.unshared(slot.cells[start + gap : start + gap + alike]):
            return None
        return Offer(start + alike, 1, partial(self._closed, slot, start, gap, alike))

    def _in_place(self, slot: Slot, keep: int, job: Job, plan: Plan) -> None:
        self.trim(slot, keep, plan)
        self._settle(job, slot)

    def _copied(self, source: Slot, target: Slot, keep: int, job: Job, plan: Plan) -> None:
        self._empty(target, plan)
        self._copy(source, target, keep, plan)
        self._settle(job, target)

    def _closed(self, slot: Slot, start: int, gap: int, alike: int, job: Job, plan: Plan) -> None:
        """Forgets what is in the gap and moves what follows it up."""
        self.trim(slot, start + gap + alike, plan)
        self.cells.release(slot.cells[start : start + gap])
        del slot.cells[start : start + gap], slot.tokens[start : start + gap]
        slot.known = slot.saved = 0
        plan.ops.append(Remove(slot.sequence, start, start + gap))
        plan.ops.append(Shift(slot.sequence, start + gap, start + gap + alike, -gap))
        self._settle(job, slot)

    def _restore(self, found: Found, job: Job, plan: Plan) -> None:
        slot = self.idle[0]
        self._empty(slot, plan)
        while self.cells.free < found.length and self.give_up_one(plan):
            pass
        self.grow(slot, job.tokens[: found.shared])
        slot.saved = found.shared
        self._settle(job, slot)
        slot.restoring = True
        plan.ops.append(Restore(job, slot.sequence, found))

    def _settle(self, job: Job, slot: Slot) -> None:
        slot.busy, slot.asked, job.slot = True, job.prompt, slot
        slot.tenant, slot.session, slot.fleeting = job.tenant, job.session, job.warm and not job.session
        job.cached = len(slot.tokens) if job.cached < 0 else job.cached

    def _copy(self, source: Slot, target: Slot, end: int, plan: Plan) -> None:
        if end:
            target.tokens = source.tokens[:end]
            target.cells = source.cells[:end]
            target.known = source.known if source.known <= end else 0
            self.cells.share(target.cells)
            plan.ops.append(Copy(source.sequence, target.sequence, end))

    def _could_hold(self, count: int) -> bool:
        """Whether so many cells are free when all idle caches are given up. What was kept under a longer window may
        be longer than a sequence's own cells."""
        own = self._limits.window if self._limits.apart else self._limits.cells
        return count <= min(own, self._limits.cells - self.held)

    def _empty(self, slot: Slot, plan: Plan) -> None:
        """Forgets what an idle slot holds, once the shelf has it."""
        self.save(slot, plan)
        self.trim(slot, 0, plan)

    def _saving(self, slot: Slot) -> Save | None:
        """What to save, unless that was done or is not worth it."""
        if slot.fleeting or len(slot.tokens) < max(self._limits.worth, slot.saved + 1):
            return None
        slot.saved = len(slot.tokens)
        if self._shelf.covers(slot.tokens, slot.tenant):
            return None
        return Save(slot.sequence, tuple(slot.tokens), slot.tenant, slot.session)

    def _give_up_saved(self, plan: Plan) -> None:
        """Idle caches slow every token that is drawn beside them. What the shelf has comes back in milliseconds."""
        for slot in self.idle:
            if len(slot.tokens) >= self._limits.worth and self._shelf.covers(slot.tokens, slot.tenant):
                self.trim(slot, 0, plan)


def gap_after(held: list[int], wanted: list[int], start: int, probe: int) -> tuple[int, int]:
    """(tokens of `held` from `start` on that `wanted` leaves out, tokens after them that are alike); (0, 0) where
    fewer than `probe` are. Both begin with the same `start` tokens."""
    sought = array("i", wanted[start : start + probe])
    if len(sought) < probe:
        return 0, 0
    text, wide = array("i", held).tobytes(), sought.itemsize
    at = text.find(sought.tobytes(), (start + 1) * wide)
    while at % wide and at >= 0:
        at = text.find(sought.tobytes(), at + 1)
    if at < 0:
        return 0, 0
    first = at // wide
    return first - start, common(held[first:], wanted[start:])
