"""Which tokens are computed next, in which sequence: continuous batching over a fixed set of KV sequences.

Pure Python over integers: sees no tensor, no tokenizer, no process. One step is `plan` (what the engine must do),
the engine's work, then `computed`, `append` or `finish` for each piece. The rules:

- Requests are admitted in order of arrival, each with the longest beginning of its tokens that is cached anywhere
  (`caches`).
- Running streams get one token each in every step; prompts get what is left of the step's budget, those with the
  fewest tokens to read first, so a long prompt never stops the streams nor, for long, a short one.
- What is guessed to come next for a stream is computed behind its last token, on cells that nobody else needs: it
  pushes out idle caches at most, and goes again where it does not come (`settle`).
- A guided request is a pair of sequences, its own and its shadow's (the negative prompt): they are admitted, drawn
  for and given up together. What their prompts share is computed once, in the leader, and copied.
- When cells run out, idle caches are forgotten (least recently used first), then the youngest request gives up its
  cells and waits in front of the queue; what it has generated is kept and computed again. The oldest always
  advances.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from samovar.core.errors import Busy, InvalidInput, PromptTooLong
from samovar.runtime.caches import Caches
from samovar.runtime.cells import Slot, common
from samovar.runtime.counts import Counts
from samovar.runtime.jobs import NO_GUESSES, Guesses, Job, Limits, Plan, Remove, Save, Work
from samovar.runtime.shelf import EmptyShelf, Shelf

_OLDEST = 4


class Scheduler:
    """See the module's first lines. Not thread-safe: one loop owns it."""

    def __init__(self, limits: Limits, shelf: Shelf | None = None) -> None:
        self.limits = limits
        self.caches = Caches(limits, shelf or EmptyShelf())
        self.waiting: deque[Job] = deque()
        self.running: list[Job] = []
        self._turn = 0
        self._put_back = 0
        self._steady = False
        self._last = Plan()

    @property
    def slots(self) -> list[Slot]:
        return self.caches.slots

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.running

    @property
    def reads_prompt(self) -> bool:
        """Whether a prompt is being read, or is about to be."""
        return bool(self.waiting) or any(job.reads_prompt for job in self.running)

    def submit(self, first: Job, choices: int = 1, negative: list[int] | None = None) -> list[Job]:
        """Queues a request whose first choice is `first`, with `negative` a guided one; all its choices. Raises
        PromptTooLong when a prompt does not fit the window, with one token where one may be drawn, or both prompts
        not the cache; InvalidInput
        when there is no second sequence for guidance; Busy when the queue is full."""
        self._check(first, negative)
        queued = sum(job.index == 0 for job in self.waiting)
        if queued >= self.limits.queue:
            raise Busy("runtime.queue_full", queued=queued)
        jobs = [
            first,
            *(
                replace(first, index=i, tokens=list(first.tokens), after=first, scores=False)
                for i in range(1, choices)
            ),
        ]
        for job in jobs if negative else ():
            job.shadow = replace(
                job,
                tokens=list(negative or ()),
                prompt=len(negative or ()),
                after=None,
                leader=job,
                scores=False,
            )
        self.waiting.extend(jobs)
        self._steady = False
        return jobs

    def plan(self, guesses: Guesses = NO_GUESSES) -> Plan:
        """The next step, with as many of the `guesses` as there is room for. It is empty only when nothing runs or
        waits; valid until the next call."""
        steady = self._steady and self.caches.cells.free >= len(self._last.work)
        plan = self._next_tokens() if steady else self._next_plan()
        for work in plan.work if guesses else ():
            self._guess(work, guesses.get(work.job, ()), plan)
        return plan

    def _next_plan(self) -> Plan:
        plan = Plan()
        self._admit(plan)
        for job in self.running:
            self._lend(job, plan)
            self.caches.hand_over(job, plan)
        drawing = [job for job in self.running if all(one.ready for one in job.pair)]
        for job in drawing:
            self._checkpoint(job, plan)
        wants = [(job, job.missing) for job in drawing] + self._prompt_shares(drawing)
        for job, count in wants:
            if job.slot and self._make_room(count, job, plan):
                start = job.computed
                last = start + count == len(job.tokens)
                plan.work.append(Work(job, job.slot.sequence, start, count, last, every=job.scoring))
                self.caches.grow(job.slot, job.tokens[start : start + count])
        plan.work = [work for work in plan.work if work.job.slot]
        self._steady = not self.waiting and [work.job for work in plan.work] == self.running == drawing
        self._last = plan
        return plan

    def _next_tokens(self) -> Plan:
        """The last plan again, one token on: every job draws, nobody waits."""
        plan = self._last
        plan.ops.clear()
        for work in plan.work:
            slot = self.slots[work.sequence]
            work.start, work.count, work.guesses, work.every = len(slot.tokens), 1, [], False
            slot.cells += self.caches.cells.take(1)
            slot.tokens.append(work.job.tokens[-1])
        return plan

    def append(self, job: Job, token: int) -> None:
        """The drawn `token` continues `job`, and its shadow with it."""
        for one in job.pair:
            one.tokens.append(token)

    def rewind(self, job: Job, count: int) -> list[Remove]:
        """Takes back the last `count` tokens of `job`; the next draw is after what is left. The caller does what is
        returned."""
        removals = []
        self._steady = False
        for one in job.pair:
            del one.tokens[len(one.tokens) - count :]
            if one.slot and one.computed >= len(one.tokens):
                self.caches.cut(one.slot, len(one.tokens) - 1)
                removals.append(Remove(one.slot.sequence, len(one.tokens) - 1))
        return removals

    def settle(self, job: Job) -> list[Remove]:
        """Gives back what was guessed for `job` and did not come, after the draws of a step. The caller does what
        is returned."""
        slot, last = job.slot, len(job.tokens) - 1
        if slot is None or len(slot.tokens) <= last:
            return []
        came = last + (slot.tokens[last] == job.tokens[last])
        if came == len(slot.tokens):
            return []
        self.caches.cut(slot, came)
        return [Remove(slot.sequence, came)]

    def room(self, job: Job) -> int:
        """Tokens that `job` may still get before its window is full, or the cache with it and its shadow."""
        lengths = [len(one.tokens) for one in job.pair]
        return min(self.limits.window - max(lengths), (self.limits.cells - sum(lengths)) // len(lengths))

    def finish(self, job: Job) -> list[Remove]:
        """`job` is over, done or cancelled. Its sequence stays as cache until the cells are needed. The caller does
        what is returned."""
        self._steady = False
        if job in self.waiting:
            self.waiting.remove(job)
        removals = self.caches.let_go(job)
        for one in job.pair:
            if one.slot:
                self.caches.free(one.slot)
                one.slot.last = one.tokens
                one.slot = None
                self.running.remove(one)
        return removals

    def forget(self, job: Job) -> list[Remove]:
        """As `finish`, but its cache is not to be trusted. The caller does what is returned."""
        slots = [one.slot for one in job.pair if one.slot]
        removals = self.finish(job)
        for slot in slots:
            self.caches.cut(slot, 0)
            slot.last = []
        return removals + [Remove(slot.sequence, 0) for slot in slots]

    def keep_logits(self, job: Job) -> list[int]:
        """The logits after all of the job's tokens, and its shadow's, are kept from now on: the sequences they
        belong to."""
        slots = [one.slot for one in job.pair if one.slot]
        for slot in slots:
            slot.known = len(slot.tokens)
        return [slot.sequence for slot in slots]

    def scored(self, job: Job, end: int) -> None:
        """The logits after the first `end` tokens of the job's prompt have been seen."""
        job.scored = max(job.scored, end)

    def restored(self, job: Job, *, worked: bool) -> None:
        """What became of a `Restore`: where it did not work, the sequence is empty."""
        self.caches.restored(job, worked=worked)

    def drop(self, session: str) -> list[Remove]:
        """Forgets what idle sequences hold of the session. The caller does what is returned."""
        return self._emptied([slot for slot in self.slots if slot.session == session])

    def erase(self, sequence: int, tenant: str) -> list[Remove]:
        """Forgets what an idle sequence holds of the tenant's. The caller does what is returned."""
        return self._emptied([slot for slot in self.slots if slot.sequence == sequence and slot.tenant == tenant])

    def counted(self) -> Counts:
        """What was given up since this was last asked."""
        given_up, put_back = self.caches.given_up, self._put_back
        self.caches.given_up = self._put_back = 0
        return Counts(given_up=given_up, put_back=put_back)

    def unsaved(self) -> Save | None:
        """The idle cache, used last, that the shelf has not got yet."""
        return self.caches.unsaved()

    def _check(self, first: Job, negative: list[int] | None) -> None:
        window, cells, prompt = self.limits.window, self.limits.cells, first.tokens
        longest = max(len(prompt), len(negative or ()))
        if longest + (not first.mute) > window:
            raise PromptTooLong("runtime.prompt_too_long", prompt=longest, window=window)
        if negative and self.limits.sequences < 2:
            raise InvalidInput("runtime.guidance_alone")
        if negative and len(prompt) + len(negative) + 2 > cells:
            raise PromptTooLong("runtime.pair_too_long", prompt=len(prompt), negative=len(negative), cells=cells)

    def _emptied(self, slots: list[Slot]) -> list[Remove]:
        """Forgets what those of `slots` hold that are idle."""
        idle = [slot for slot in slots if not slot.busy]
        for slot in idle:
            slot.last = []
        held = [slot for slot in idle if slot.tokens]
        for slot in held:
            self.caches.cut(slot, 0)
        return [Remove(slot.sequence, 0) for slot in held]

    def _lend(self, job: Job, plan: Plan) -> None:
        """Gives a shadow what its leader has computed for both."""
        leader, slot = job.leader, job.slot
        if not (job.borrows and slot and leader and leader.slot) or leader.restoring:
            return
        if leader.computed >= job.borrows:
            self.caches.lend(leader.slot, slot, job.borrows, plan)
            job.borrows = 0

    def _checkpoint(self, job: Job, plan: Plan) -> None:
        """Saves the end of a prompt, but for its last token, where a cache cannot be cut back to it later."""
        if not self.limits.can_remove_tail and job.slot and job.computed == job.prompt - 1:
            self.caches.save(job.slot, plan)

    def _prompt_shares(self, drawing: list[Job]) -> list[tuple[Job, int]]:
        """The step's budget of prompt tokens. The prompt with the fewest tokens left is read first, which makes the
        mean wait for a first token the shortest there is; in every `_OLDEST`th step it is the oldest, so that a
        long one is not put off for ever. One of a pair keeps its last token until the other is ready too: both are
        drawn from in one step."""
        readers = sorted((job for job in self.running if job not in drawing), key=lambda j: (j.missing, j.admitted))
        gentle = drawing or any(job.warm for job in readers)
        budget = self.limits.busy_chunk if gentle else self.limits.chunk
        self._turn += 1
        if self._turn % _OLDEST == 0:
            readers.sort(key=lambda j: j.admitted)
        shares = []
        for job in readers:
            held = len(job.pair) > 1 or not self.limits.can_remove_tail
            count = 0 if job.borrows or job.restoring else min(budget, job.missing - held, job.stretch)
            count = min(count, self.limits.rows) if job.scoring else count
            if count > 0:
                shares.append((job, count))
                budget -= count
        return shares

    def _admit(self, plan: Plan) -> None:
        while self.waiting and sum(not slot.busy for slot in self.slots) >= len(self.waiting[0].pair):
            job = self.waiting[0]
            first = job.after
            if first and first.cached >= 0 and any(one.slot and one.reads_prompt for one in first.pair):
                return
            if not self._fits(job):
                return
            self.waiting.popleft()
            for one in job.pair:
                self.caches.place(one, plan)
                self.running.append(one)
            if job.shadow and job.shadow.slot and not job.shadow.restoring:
                shared = common(job.tokens[:-1], job.shadow.tokens[:-1])
                job.shadow.borrows = shared if shared > job.shadow.computed and self.limits.can_copy else 0

    def _guess(self, work: Work, guesses: Sequence[int], plan: Plan) -> None:
        """Adds to a draw those of the `guesses` that the window and the cells have room for."""
        job, cells = work.job, self.caches.cells
        if not (guesses and work.wanted and work.count and len(job.pair) == 1 and len(job.tokens) > job.prompt):
            return
        if job.slot and self.limits.can_remove_tail:
            count = min(len(guesses), self.room(job) - 1)
            while cells.free < count and self.caches.give_up_one(plan):
                pass
            work.guesses = list(guesses[: min(count, cells.free)])
            self.caches.grow(job.slot, work.guesses)

    def _fits(self, job: Job) -> bool:
        """Whether the prompt's cells are there when idle caches are given up. An empty house always takes one."""
        needed = sum(len(one.tokens) + 1 for one in job.pair)
        return not self.running or needed <= self.limits.cells - self.caches.held

    def _make_room(self, count: int, job: Job, plan: Plan) -> bool:
        """Sees that `count` cells are free: idle caches first, then younger jobs. False: `job` itself had to go."""
        while self.caches.cells.free < count:
            if self.caches.give_up_one(plan):
                continue
            youngest = max(self.running, key=lambda j: j.admitted)
            self._preempt(youngest, plan)
            if youngest in job.pair:
                return False
        return True

    def _preempt(self, job: Job, plan: Plan) -> None:
        """Gives up the cells of `job` and puts it in front of the queue, with what it has generated."""
        plan.ops += self.caches.let_go(job)
        self._put_back += 1
        for one in job.pair:
            assert one.slot is not None
            self.running.remove(one)
            # What this very step was to compute, or to restore, is not there to be saved.
            if not one.slot.restoring and all(work.job is not one for work in plan.work):
                self.caches.save(one.slot, plan)
            self.caches.trim(one.slot, 0, plan)
            one.slot.busy = one.slot.restoring = False
            one.slot, one.borrows = None, 0
        self.waiting.appendleft(job.pair[0])
