"""Which tokens are computed next, in which sequence: continuous batching over a fixed set of KV sequences.

Pure Python over integers: sees no tensor, no tokenizer, no process. One step is `plan` (what the engine must do),
the engine's work, then `computed`, `append` or `finish` for each piece. The rules:

- Requests are admitted in order of arrival, each to the idle sequence that shares the longest prefix with it, or to
  a fresh one that the prefix is copied into, so that two chats with one beginning both keep their cache.
- Running streams get one token each in every step; prompts share what is left of the step's budget in turns, so a
  long prompt never stops the streams.
- When cells run out, idle caches are forgotten (least recently used first), then the youngest request gives up its
  cells and waits in front of the queue; what it has generated is kept and computed again. The oldest always
  advances.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from samovar.core.errors import Busy, PromptTooLong
from samovar.runtime.cells import Cells, Slot


@dataclass(eq=False)
class Job:
    """One choice of one request. `tokens` is the prompt and what was generated; the last one is never computed
    before a draw needs the logits after it."""

    request: str
    index: int
    tokens: list[int]
    prompt: int
    after: Job | None = None
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

    def submit(self, request: str, prompt: list[int], choices: int = 1) -> list[Job]:
        """Queues a request. Raises PromptTooLong when prompt and one token do not fit the window, Busy when the
        queue is full."""
        if len(prompt) >= self.limits.window:
            raise PromptTooLong("runtime.prompt_too_long", prompt=len(prompt), window=self.limits.window)
        queued = sum(job.index == 0 for job in self.waiting)
        if queued >= self.limits.queue:
            raise Busy("runtime.queue_full", queued=queued)
        first = Job(request, 0, list(prompt), len(prompt))
        jobs = [first] + [Job(request, i, list(prompt), len(prompt), after=first) for i in range(1, choices)]
        self.waiting.extend(jobs)
        return jobs

    def plan(self) -> Plan:
        """The next step; its `work` is empty only when nothing runs or waits."""
        plan = Plan()
        self._admit(plan)
        streams = [job for job in self.running if not job.reads_prompt]
        wants = [(job, 1) for job in streams] + self._prompt_shares(bool(streams))
        for job, count in wants:
            if job.slot and self._make_room(count, job, plan):
                start = job.computed
                plan.work.append(Work(job, job.slot.sequence, start, count, start + count == len(job.tokens)))
                self._grow(job.slot, job.tokens[start : start + count])
        plan.work = [work for work in plan.work if work.job.slot]
        return plan

    def append(self, job: Job, token: int) -> None:
        """The drawn `token` continues `job`."""
        job.tokens.append(token)

    def room(self, job: Job) -> int:
        """Tokens that `job` may still get before its window is full."""
        return self.limits.window - len(job.tokens)

    def finish(self, job: Job) -> None:
        """`job` is over, done or cancelled. Its sequence stays as cache until the cells are needed."""
        if job.slot:
            self._touch(job.slot)
            job.slot.busy = False
            job.slot = None
            self.running.remove(job)
        elif job in self.waiting:
            self.waiting.remove(job)

    def forget(self, job: Job) -> Remove | None:
        """As `finish`, but its cache is not to be trusted. The caller does what is returned."""
        slot = job.slot
        self.finish(job)
        if slot is None:
            return None
        self._cut(slot, 0)
        return Remove(slot.sequence, 0)

    def _prompt_shares(self, streaming: bool) -> list[tuple[Job, int]]:
        """The step's budget of prompt tokens, in turns over the jobs that read their prompt."""
        readers = [job for job in self.running if job.reads_prompt]
        budget = self.limits.busy_chunk if streaming else self.limits.chunk
        self._turn += 1
        shares = []
        for i in range(len(readers)):
            job = readers[(self._turn + i) % len(readers)]
            count = min(budget, job.missing)
            if count:
                shares.append((job, count))
                budget -= count
        return shares

    def _admit(self, plan: Plan) -> None:
        while self.waiting and any(not slot.busy for slot in self.slots):
            job = self.waiting[0]
            leader = job.after
            if leader and leader.cached >= 0 and leader.slot and leader.reads_prompt:
                return
            if not self._fits(job):
                return
            self.waiting.popleft()
            self._place(job, plan)

    def _fits(self, job: Job) -> bool:
        """Whether the prompt's cells are there when idle caches are given up. An empty house always takes one."""
        held: set[int] = set().union(*(slot.cells for slot in self.slots if slot.busy))
        return not self.running or len(job.tokens) + 1 <= self.limits.cells - len(held)

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
        idle, a cache that would lose more than half of its tokens is copied from rather than cut; but a swipe, which
        loses only an answer, takes that answer's place: every cell in use slows each token that is drawn."""
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
            if youngest is job:
                return False
        return True

    def _preempt(self, job: Job, plan: Plan) -> None:
        """Gives up the cells of `job` and puts it in front of the queue, with what it has generated."""
        slot = job.slot
        assert slot is not None
        self.running.remove(job)
        job.slot = None
        slot.busy = False
        self._trim(slot, 0, plan)
        self.waiting.appendleft(job)

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
