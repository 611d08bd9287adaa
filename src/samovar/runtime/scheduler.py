"""Which tokens are computed next, in which sequence: continuous batching over a fixed set of KV sequences.

Pure Python over integers: sees no tensor, no tokenizer, no process. One step is `plan` (what the engine must do),
the engine's work, then `computed`, `append` or `finish` for each piece. The rules:

- Requests are admitted in order of arrival, each to the idle sequence that shares the longest prefix with it, or to
  a fresh one that the prefix is copied into, so that two chats with one beginning both keep their cache.
- Running streams get one token each in every step; prompts share what is left of the step's budget in turns, so a
  long prompt never stops the streams.
- A guided request is a pair of sequences, its own and its shadow's (the negative prompt): they are admitted, drawn
  for and given up together. What their prompts share is computed once, in the leader, and copied.
- When cells run out, idle caches are forgotten (least recently used first), then the youngest request gives up its
  cells and waits in front of the queue; what it has generated is kept and computed again. The oldest always
  advances.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from samovar.core.errors import Busy, InvalidInput, PromptTooLong
from samovar.runtime.cells import Cells, Slot


@dataclass(eq=False)
class Job:
    """One choice of one request. `tokens` is the prompt and what was generated; the last one is never computed
    before a draw needs the logits after it.

    `shadow`: the same choice after a negative prompt; `leader`: whose shadow this is. `borrows`: tokens that a
    shadow waits for its leader to compute, before it copies them.
    """

    request: str
    index: int
    tokens: list[int]
    prompt: int
    after: Job | None = None
    shadow: Job | None = None
    leader: Job | None = None
    borrows: int = 0
    slot: Slot | None = None
    cached: int = -1
    admitted: int = 0

    @property
    def computed(self) -> int:
        return len(self.slot.tokens) if self.slot else 0

    @property
    def missing(self) -> int:
        """Tokens still to be computed before the next draw."""
        return len(self.tokens) - self.computed

    @property
    def pair(self) -> list[Job]:
        """This job with its shadow, or the shadow's leader with it: what is admitted and given up together."""
        first = self.leader or self
        return [first, first.shadow] if first.shadow else [first]

    @property
    def ready(self) -> bool:
        """Whether only the token before the next draw is missing."""
        return self.missing == 1 and not self.borrows

    @property
    def reads_prompt(self) -> bool:
        return self.missing > 1 or self.computed < self.prompt


@dataclass(frozen=True)
class Remove:
    """The sequence forgets its positions from `start` on."""

    sequence: int
    start: int


@dataclass(frozen=True)
class Copy:
    """Positions [0, end) of `source` also belong to `target`, which is empty."""

    source: int
    target: int
    end: int


@dataclass(frozen=True)
class Work:
    """`count` tokens of `job` from position `start`; `wanted`: a token is drawn after the last one."""

    job: Job
    sequence: int
    start: int
    count: int
    wanted: bool


@dataclass
class Plan:
    """One step: cache operations in order, then one batch."""

    ops: list[Remove | Copy] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    """`window`: tokens of one request; `chunk`: prompt tokens of a step when nothing streams; `busy_chunk`: when
    something does; `queue`: requests that may wait."""

    window: int
    cells: int
    sequences: int
    chunk: int = 512
    busy_chunk: int = 64
    queue: int = 64
    can_copy: bool = True
    can_remove_tail: bool = True


class Scheduler:
    """See the module's first lines. Not thread-safe: one loop owns it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cells = Cells(limits.cells)
        self.slots = [Slot(i) for i in range(limits.sequences)]
        self.waiting: deque[Job] = deque()
        self.running: list[Job] = []
        self._clock = 0
        self._turn = 0

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.running

    @property
    def reads_prompt(self) -> bool:
        """Whether a prompt is being read, or is about to be."""
        return bool(self.waiting) or any(job.reads_prompt for job in self.running)

    def submit(
        self, request: str, prompt: list[int], choices: int = 1, negative: list[int] | None = None
    ) -> list[Job]:
        """Queues a request, with `negative` a guided one. Raises PromptTooLong when a prompt and one token do not
        fit the window, or both prompts not the cache; InvalidInput when there is no second sequence for guidance;
        Busy when the queue is full."""
        self._check(prompt, negative)
        queued = sum(job.index == 0 for job in self.waiting)
        if queued >= self.limits.queue:
            raise Busy("runtime.queue_full", queued=queued)
        first = Job(request, 0, list(prompt), len(prompt))
        jobs = [first] + [Job(request, i, list(prompt), len(prompt), after=first) for i in range(1, choices)]
        for job in jobs if negative else ():
            job.shadow = Job(request, job.index, list(negative or ()), len(negative or ()), leader=job)
        self.waiting.extend(jobs)
        return jobs

    def plan(self) -> Plan:
        """The next step; its `work` is empty only when nothing runs or waits."""
        plan = Plan()
        self._admit(plan)
        for job in self.running:
            self._lend(job, plan)
        drawing = [job for job in self.running if all(one.ready for one in job.pair)]
        wants = [(job, 1) for job in drawing] + self._prompt_shares(drawing)
        for job, count in wants:
            if job.slot and self._make_room(count, job, plan):
                start = job.computed
                plan.work.append(Work(job, job.slot.sequence, start, count, start + count == len(job.tokens)))
                self._grow(job.slot, job.tokens[start : start + count])
        plan.work = [work for work in plan.work if work.job.slot]
        return plan

    def append(self, job: Job, token: int) -> None:
        """The drawn `token` continues `job`, and its shadow with it."""
        for one in job.pair:
            one.tokens.append(token)

    def rewind(self, job: Job, count: int) -> list[Remove]:
        """Takes back the last `count` tokens of `job`; the next draw is after what is left. The caller does what is
        returned."""
        removals = []
        for one in job.pair:
            del one.tokens[len(one.tokens) - count :]
            if one.slot and one.computed >= len(one.tokens):
                self._cut(one.slot, len(one.tokens) - 1)
                removals.append(Remove(one.slot.sequence, len(one.tokens) - 1))
        return removals

    def room(self, job: Job) -> int:
        """Tokens that `job` may still get before its window is full, or the cache with it and its shadow."""
        lengths = [len(one.tokens) for one in job.pair]
        return min(self.limits.window - max(lengths), (self.limits.cells - sum(lengths)) // len(lengths))

    def finish(self, job: Job) -> None:
        """`job` is over, done or cancelled. Its sequence stays as cache until the cells are needed."""
        if job in self.waiting:
            self.waiting.remove(job)
        for one in job.pair:
            if one.slot:
                self._touch(one.slot)
                one.slot.busy = False
                one.slot = None
                self.running.remove(one)

    def forget(self, job: Job) -> list[Remove]:
        """As `finish`, but its cache is not to be trusted. The caller does what is returned."""
        slots = [one.slot for one in job.pair if one.slot]
        self.finish(job)
        for slot in slots:
            self._cut(slot, 0)
        return [Remove(slot.sequence, 0) for slot in slots]

    def _check(self, prompt: list[int], negative: list[int] | None) -> None:
        window, cells = self.limits.window, self.limits.cells
        longest = max(len(prompt), len(negative or ()))
        if longest >= window:
            raise PromptTooLong("runtime.prompt_too_long", prompt=longest, window=window)
        if negative and self.limits.sequences < 2:
            raise InvalidInput("runtime.guidance_alone")
        if negative and len(prompt) + len(negative) + 2 > cells:
            raise PromptTooLong("runtime.pair_too_long", prompt=len(prompt), negative=len(negative), cells=cells)

    def _lend(self, job: Job, plan: Plan) -> None:
        """Gives a shadow what its leader has computed for both."""
        leader, slot = job.leader, job.slot
        if job.borrows and leader and leader.slot and slot and leader.computed >= job.borrows:
            self._trim(slot, 0, plan)
            self._copy(leader.slot, slot, job.borrows, plan)
            job.borrows = 0

    def _prompt_shares(self, drawing: list[Job]) -> list[tuple[Job, int]]:
        """The step's budget of prompt tokens, in turns over the jobs that read their prompt. One of a pair keeps
        its last token until the other is ready too: both are drawn from in one step."""
        readers = [job for job in self.running if job not in drawing]
        budget = self.limits.busy_chunk if drawing else self.limits.chunk
        self._turn += 1
        shares = []
        for i in range(len(readers)):
            job = readers[(self._turn + i) % len(readers)]
            held = len(job.pair) > 1
            count = 0 if job.borrows else min(budget, job.missing - held)
            if count:
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
                self._place(one, plan)
            if job.shadow and job.shadow.slot:
                shared = _shared(job.tokens[:-1], job.shadow.tokens[:-1])
                job.shadow.borrows = shared if shared > job.shadow.computed and self.limits.can_copy else 0

    def _fits(self, job: Job) -> bool:
        """Whether the prompt's cells are there when idle caches are given up. An empty house always takes one."""
        held: set[int] = set().union(*(slot.cells for slot in self.slots if slot.busy))
        needed = sum(len(one.tokens) + 1 for one in job.pair)
        return not self.running or needed <= self.limits.cells - len(held)

    def _place(self, job: Job, plan: Plan) -> None:
        slot, source, keep = self._choose(job.tokens[:-1])
        self._trim(slot, keep if slot is source else 0, plan)
        if slot is not source:
            self._copy(source, slot, keep, plan)
        slot.busy, slot.asked, job.slot = True, job.prompt, slot
        job.cached = keep if job.cached < 0 else job.cached
        self._clock += 1
        job.admitted = self._clock
        self.running.append(job)

    def _choose(self, wanted: list[int]) -> tuple[Slot, Slot, int]:
        """The slot to use, the slot whose prefix it takes over, and how many tokens of it. Where another slot is
        idle, a cache that would lose more than half of its tokens is copied from rather than cut; but a swipe,
        which loses only an answer, takes its place: every cell in use slows each token that is drawn."""
        idle = sorted((slot for slot in self.slots if not slot.busy), key=lambda s: (bool(s.tokens), s.used_at))
        sources = self.slots if self.limits.can_copy else idle
        source = max(sources, key=lambda s: (self._usable(s, wanted), not s.busy))
        keep = self._usable(source, wanted)
        if not keep:
            return idle[0], idle[0], 0
        others = [slot for slot in idle if slot is not source]
        cheap = keep * 2 >= len(source.tokens) or keep >= source.asked - 1
        in_place = not others or cheap or not self.limits.can_copy
        return (source, source, keep) if not source.busy and in_place else (others[0], source, keep)

    def _usable(self, slot: Slot, wanted: list[int]) -> int:
        """Tokens of the slot's cache that a job with these tokens can keep."""
        shared = slot.shared_prefix(wanted)
        if self.limits.can_remove_tail or shared == len(slot.tokens):
            return shared
        return 0

    def _make_room(self, count: int, job: Job, plan: Plan) -> bool:
        """Sees that `count` cells are free: idle caches first, then younger jobs. False: `job` itself had to go."""
        while self.cells.free < count:
            spare = [slot for slot in self.slots if not slot.busy and slot.tokens]
            if spare:
                self._trim(min(spare, key=lambda s: s.used_at), 0, plan)
                continue
            youngest = max(self.running, key=lambda j: j.admitted)
            self._preempt(youngest, plan)
            if youngest in job.pair:
                return False
        return True

    def _preempt(self, job: Job, plan: Plan) -> None:
        """Gives up the cells of `job` and puts it in front of the queue, with what it has generated."""
        for one in job.pair:
            assert one.slot is not None
            self.running.remove(one)
            one.slot.busy = False
            self._trim(one.slot, 0, plan)
            one.slot, one.borrows = None, 0
        self.waiting.appendleft(job.pair[0])

    def _grow(self, slot: Slot, tokens: list[int]) -> None:
        slot.cells += self.cells.take(len(tokens))
        slot.tokens += tokens

    def _copy(self, source: Slot, target: Slot, end: int, plan: Plan) -> None:
        if end:
            target.tokens = source.tokens[:end]
            target.cells = source.cells[:end]
            self.cells.share(target.cells)
            plan.ops.append(Copy(source.sequence, target.sequence, end))

    def _trim(self, slot: Slot, keep: int, plan: Plan) -> None:
        if keep < len(slot.tokens):
            self._cut(slot, keep)
            plan.ops.append(Remove(slot.sequence, keep))

    def _cut(self, slot: Slot, keep: int) -> None:
        self.cells.release(slot.cells[keep:])
        del slot.cells[keep:], slot.tokens[keep:]

    def _touch(self, slot: Slot) -> None:
        self._clock += 1
        slot.used_at = self._clock


def _shared(one: list[int], other: list[int]) -> int:
    """Length of the common prefix."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
