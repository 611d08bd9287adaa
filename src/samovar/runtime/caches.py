"""The sequences of the engine's cache: what each holds, who gets which, and what is given up for whom.

A job takes over the longest beginning of its tokens that is held anywhere: in the sequence that it then uses, in
another one (copied), behind a gap that dropped turns left (shifted), or on the shelf (restored); where that is
asked for, what stands behind inserted text as well (`inserting`). Pure: what the engine has to do is written into
the plan.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from samovar.runtime.cells import Cells, Slot, common
from samovar.runtime.counts import Tier
from samovar.runtime.inserting import Moved, Piece, leftovers, moves, pieces_alike
from samovar.runtime.jobs import Copy, Job, Limits, Plan, Remove, Restore, Save, Shift
from samovar.runtime.shelf import Found, Shelf


@dataclass(frozen=True)
class Offer:
    """A way to get the cache of a job's first `keep` tokens, which are in `tier`. Of two that give as much, the one
    of less `cost`."""

    keep: int
    cost: int
    take: Callable[[Job, Plan], None]
    tier: Tier = "live"


class Caches:
    """See the module's first lines. One scheduler owns it."""

    def __init__(self, limits: Limits, shelf: Shelf) -> None:
        self._limits = limits
        self._shelf = shelf
        self._clock = 0
        self.given_up = 0
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
        """Gives `job` an idle slot, with as much of its tokens' cache as there is, but for one whose logits are
        wanted, which no cache has. There is an idle slot."""
        job.admitted = self.tick()
        best = None if job.scoring else self._best(job)
        if best:
            job.tier = best.tier if job.cached < 0 else job.tier
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

    def hand_over(self, job: Job, plan: Plan) -> None:
        """Gives `job` the pieces on their way to it that its tokens have come to."""
        moved, slot = job.moved, job.slot
        if not (moved and slot):
            return
        while moved.pieces and moved.pieces[0].start == job.computed:
            piece = moved.pieces.pop(0)
            plan.ops.append(Copy(moved.slot.sequence, slot.sequence, piece.end, piece.start))
            slot.exact = piece.start if slot.exact is None else slot.exact
            slot.tokens += job.tokens[piece.start : piece.end]
            slot.cells += moved.slot.cells[: piece.count]
            del moved.slot.cells[: piece.count]
        if not moved.pieces:
            plan.ops += self.let_go(job)

    def let_go(self, job: Job) -> list[Remove]:
        """Forgets what is still on its way to `job`. The engine does what is returned."""
        moved, job.moved = job.moved, None
        if moved is None:
            return []
        self.cut(moved.slot, 0)
        self.free(moved.slot)
        return [Remove(moved.slot.sequence, 0)]

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
        slot.exact = slot.exact if slot.doubtful(keep) else None

    def free(self, slot: Slot) -> None:
        """Nobody uses the slot any more; what it holds stays."""
        slot.busy, slot.used_at = False, self.tick()

    def give_up_one(self, plan: Plan) -> bool:
        """Gives up the idle cache that was used longest ago. False where there is none."""
        spare = [slot for slot in self.idle if slot.tokens]
        if spare:
            self.given_up += 1
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

    def _best(self, job: Job) -> Offer | None:
        """The offer that keeps most; one that is approximate only where that is much."""
        offers = [offer for offer in self._offers(job) if offer.keep]
        best = max(offers, key=lambda offer: (offer.keep, -offer.cost), default=None)
        least = (best.keep if best else 0) + self._limits.probe
        if self._limits.reuse_shifted and least < len(job.tokens) and len(job.pair) == 1:
            inserted = [offer for slot in self._held_for(job) if (offer := self._behind_inserted(slot, job))]
            best = max((offer for offer in inserted if offer.keep >= least), key=lambda o: o.keep, default=best)
        return best

    def _held_for(self, job: Job) -> list[Slot]:
        """The slots that hold what the job may take over."""
        return [slot for slot in self.slots if slot.tokens and not slot.restoring and slot.tenant == job.tenant]

    def _offers(self, job: Job) -> list[Offer]:
        able, idle, mine = self._limits, self.idle, self._held_for(job)
        offers = [offer for slot in mine if (offer := self._live(slot, job, idle))]
        if able.can_shift:
            offers += [offer for slot in mine if not slot.busy and (offer := self._behind_gap(slot, job))]
        live = max((offer.keep for offer in offers), default=0)
        found = self._shelf.longest(job.tokens[:-1], job.tenant)
        if found and found.shared >= live + able.worth and self._could_hold(found.length):
            offers.append(Offer(found.shared, 2, partial(self._restore, found), found.tier))
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

    def _behind_inserted(self, slot: Slot, job: Job) -> Offer | None:
        spare = next((other for other in self.idle if other is not slot), None)
        if slot.busy or spare is None:
            return None
        start = common(slot.tokens, job.tokens)
        pieces = pieces_alike(slot.tokens, job.tokens[:-1], start, self._limits.probe)
        if not all(self.cells.unshared(slot.cells[piece.held : piece.behind]) for piece in moves(pieces)):
            return None
        keep = start + sum(piece.count for piece in pieces)
        return Offer(keep, 3, partial(self._with_pieces, slot, spare, start, pieces)) if pieces else None

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
        slot.exact = slot.exact and max(slot.exact - gap, min(slot.exact, start))
        plan.ops.append(Remove(slot.sequence, start, start + gap))
        plan.ops.append(Shift(slot.sequence, start + gap, start + gap + alike, -gap))
        self._settle(job, slot)

    def _with_pieces(
        self, source: Slot, target: Slot, start: int, pieces: list[Piece], job: Job, plan: Plan
    ) -> None:
        """The job goes on in `target` with the beginning; the pieces wait where they are, at their new places."""
        self._empty(target, plan)
        self.save(source, plan)
        self._copy(source, target, start, plan)
        plan.ops += [Remove(source.sequence, *part) for part in leftovers(pieces, len(source.tokens))[::-1]]
        plan.ops += [Shift(source.sequence, p.held, p.behind, p.by) for p in moves(pieces)]
        kept = [cell for piece in pieces for cell in source.cells[piece.held : piece.behind]]
        self.cells.share(kept)
        self.cut(source, 0)
        source.cells, source.busy = kept, True
        job.moved = Moved(source, pieces)
        self._settle(job, target)

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
        job.sequence = slot.sequence
        slot.tenant, slot.session, slot.fleeting = job.tenant, job.session, job.warm and not job.session
        if job.cached < 0:
            moved = job.moved.count if job.moved else 0
            job.cached = len(slot.tokens) + moved
            job.approximate = slot.doubtful(len(slot.tokens)) + moved

    def _copy(self, source: Slot, target: Slot, end: int, plan: Plan) -> None:
        if end:
            target.tokens = source.tokens[:end]
            target.cells = source.cells[:end]
            target.known = source.known if source.known <= end else 0
            target.exact = source.exact if source.doubtful(end) else None
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
        """What to save, unless that was done, is not worth it, or is not what computing it gives."""
        short = len(slot.tokens) < max(self._limits.worth, slot.saved + 1)
        if short or slot.fleeting or slot.exact is not None:
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
