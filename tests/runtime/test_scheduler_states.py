"""What the scheduler promises, whatever the order of arrivals, draws and cancellations:

cells are conserved; every sequence holds exactly the tokens that the engine was told to compute; a cached prefix is
a prefix of the prompt; everyone is served in the end; what is cancelled is free in the next step.
"""

from collections.abc import Iterable
from copy import deepcopy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from samovar.core.errors import Busy
from samovar.runtime.cells import Slot
from samovar.runtime.jobs import Job, Limits, Plan, Save, Work
from samovar.runtime.scheduler import Scheduler
from tests.runtime.naive import NaiveEngine, NaiveShelf

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=18)


def names(jobs: Iterable[Job]) -> list[tuple[str, int, bool]]:
    return [(job.request, job.index, bool(job.leader)) for job in jobs]


class SchedulerMachine(RuleBasedStateMachine):
    can_copy = True
    can_remove_tail = True
    can_shift = False
    reuse_shifted = False
    window, cells = 24, 40

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits(
            window=self.window,
            cells=self.cells,
            sequences=3,
            chunk=8,
            busy_chunk=3,
            queue=4,
            worth=3,
            probe=4,
            rows=5,
            can_copy=self.can_copy,
            can_remove_tail=self.can_remove_tail,
            can_shift=self.can_shift,
            reuse_shifted=self.reuse_shifted,
        )
        shelf = NaiveShelf(cuttable=self.can_remove_tail)
        self.scheduler = Scheduler(self.limits, shelf)
        self.engine = NaiveEngine(3, shelf)
        self.alive: list[Job] = []
        self.names = 0

    @rule(
        prompt=TOKENS,
        choices=st.integers(1, 3),
        negative=st.none() | TOKENS,
        tenant=st.sampled_from("ab"),
        scores=st.booleans(),
    )
    def submit(
        self, prompt: list[int], choices: int, negative: list[int] | None, tenant: str, scores: bool
    ) -> None:
        self.names += 1
        first = Job(str(self.names), 0, prompt, len(prompt), tenant, scores=scores)
        try:
            self.alive += self.scheduler.submit(first, choices, negative)
        except Busy:
            assert sum(job.index == 0 for job in self.scheduler.waiting) >= self.limits.queue

    @rule(
        draws=st.lists(st.integers(0, 3), min_size=3, max_size=3),
        guesses=st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=3, max_size=3),
        lucky=st.integers(0, 5),
        flaky=st.booleans(),
    )
    def step(self, draws: list[int], guesses: list[list[int]], lucky: int, flaky: bool) -> None:
        """Token 3 ends a stream, as does a full window. Of what is guessed, the first `lucky` tokens come."""
        plain = deepcopy(self.scheduler)
        plain.plan()
        plan = self.scheduler.plan(dict(zip(self.scheduler.running, guesses, strict=False)))
        assert names(self.scheduler.running) == names(plain.running), "a guess costs nobody a place"
        self.engine.run(plan, self.scheduler, flaky=flaky)
        assert bool(plan.work or plan.ops) == (not self.scheduler.idle)
        assert len({work.sequence for work in plan.work}) == len(plan.work)
        for work in plan.work:
            self.score(work)
        wanted = [work for work in plan.work if work.wanted]
        assert all(one in [work.job for work in wanted] for work in wanted for one in work.job.pair)
        for work, draw in zip([work for work in wanted if not work.job.leader], draws, strict=False):
            if len(work.job.tokens) == work.job.prompt and work.job.index == 0:
                for sequence in self.scheduler.keep_logits(work.job):
                    self.engine.kept[sequence] = self.engine.tokens(sequence)
            self.draw(work, [*work.guesses[:lucky], *[draw] * (1 + len(work.guesses))])

    def score(self, work: Work) -> None:
        """The logits after each token of a prompt that is scored are given, few at a time, before it is drawn
        from."""
        job = work.job
        if work.every:
            assert work.start <= job.scored, "no token of it came from a cache"
            assert work.rows == work.count <= self.limits.rows
            self.scheduler.scored(job, work.start + work.count)
        assert not (work.wanted and job.scoring)
        assert not (job.scores and (job.index or job.leader))

    def draw(self, work: Work, tokens: list[int]) -> None:
        """Draws `tokens`, the first of them after the last token of the job, up to one that was not guessed."""
        job, goes_on = work.job, True
        for token, guess in zip(tokens, [*work.guesses, None], strict=False):
            goes_on = token != 3 and self.scheduler.room(job) > 1
            if goes_on:
                self.scheduler.append(job, token)
            if not goes_on or token != guess:
                break
        self.engine.run(Plan(ops=list(self.scheduler.settle(job))), self.scheduler)
        if not goes_on:
            self.scheduler.finish(job)
            self.alive.remove(job)

    @rule()
    def rest(self) -> None:
        """What is idle is saved."""
        saving = self.scheduler.unsaved()
        self.engine.run(Plan(ops=[saving] if saving else []), self.scheduler)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.alive))
        self.alive.remove(job)
        self.engine.run(Plan(ops=list(self.scheduler.finish(job))), self.scheduler)
        assert job.slot is None
        assert job not in self.scheduler.running
        assert job not in self.scheduler.waiting

    @precondition(lambda self: any(len(job.tokens) > job.prompt for job in self.scheduler.running))
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """Tokens that were drawn and not yet computed further on, as after a draw."""
        grown = [job.pair[0] for job in self.scheduler.running if len(job.tokens) > job.prompt]
        job = data.draw(st.sampled_from(grown))
        count = data.draw(st.integers(1, len(job.tokens) - job.prompt))
        self.engine.run(Plan(ops=list(self.scheduler.rewind(job, count))), self.scheduler)

    @precondition(lambda self: self.scheduler.running)
    @rule(data=st.data())
    def lose_trust(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.scheduler.running)).pair[0]
        self.alive.remove(job)
        removals = self.scheduler.forget(job)
        assert removals
        self.engine.run(Plan(ops=list(removals)), self.scheduler)

    @invariant()
    def cells_are_conserved(self) -> None:
        held = [set(slot.cells) for slot in self.scheduler.slots]
        assert len(set().union(*held)) + self.scheduler.caches.cells.free == self.limits.cells
        moved = {job.moved.slot: job.moved.count for job in self.scheduler.running if job.moved}
        for slot in self.scheduler.slots:
            assert len(slot.cells) == len(slot.tokens) + moved.get(slot, 0)
            assert slot.busy or slot not in moved

    @invariant()
    def sequences_hold_what_was_computed(self) -> None:
        waits = {job.moved.slot: job for job in self.scheduler.running if job.moved}
        for slot in self.scheduler.slots:
            if slot not in waits:
                assert slot.tokens == self.engine.tokens(slot.sequence)
                continue
            job, placed = waits[slot], dict(self.engine.placed(slot.sequence))
            assert not slot.tokens
            assert job.moved is not None
            for piece in job.moved.pieces:
                assert [placed[at] for at in range(piece.start, piece.end)] == job.tokens[piece.start : piece.end]

    @invariant()
    def a_running_cache_is_a_prefix_of_its_job(self) -> None:
        for job in self.scheduler.running:
            assert job.slot is not None
            assert job.slot.busy
            assert job.tokens[: job.computed] == job.slot.tokens
            assert 0 <= job.cached < job.prompt + self.window
            assert all(one.slot for one in job.pair), "a pair runs together"
            assert len({len(one.tokens) - one.prompt for one in job.pair}) == 1, "a pair grows together"

    @invariant()
    def nobody_is_lost(self) -> None:
        leaders = {job.pair[0] for job in self.scheduler.running}
        assert set(self.alive) == leaders | set(self.scheduler.waiting)

    def teardown(self) -> None:
        """Everyone who is left is served: each gets a token within a bounded number of steps, then ends."""
        for _ in range(400):
            if self.scheduler.idle:
                break
            plan = self.scheduler.plan()
            self.engine.run(plan, self.scheduler)
            for work in plan.work:
                if work.wanted and not work.job.leader:
                    self.scheduler.finish(work.job)
        assert self.scheduler.idle


class WithShifts(SchedulerMachine):
    can_shift = True

    @precondition(lambda self: any(len(slot.tokens) > 5 for slot in self.scheduler.slots))
    @rule(data=st.data(), more=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def slide(self, data: st.DataObject, more: list[int]) -> None:
        """What a sequence holds is asked for again, without something of its middle."""
        slot = data.draw(st.sampled_from([slot for slot in self.scheduler.slots if len(slot.tokens) > 5]))
        start = data.draw(st.integers(0, 3))
        gap = data.draw(st.integers(1, len(slot.tokens) - start - 1))
        prompt = slot.tokens[:start] + slot.tokens[start + gap :] + more
        if len(prompt) < self.limits.window:
            self.submit(prompt, 1, None, slot.tenant, scores=False)


class WithInsertions(WithShifts):
    reuse_shifted = True
    window, cells = 32, 60

    @rule(data=st.data(), held=st.permutations(range(10, 30)), new=st.lists(st.integers(0, 2), max_size=6))
    def insert(self, data: st.DataObject, held: list[int], new: list[int]) -> None:
        """A prompt is answered, and asked for again with something else in its middle, at one or two places."""
        self.submit(held, 1, None, "a", scores=False)
        for _ in range(data.draw(st.integers(0, 9))):
            self.step([3, 3, 3], [], 0, flaky=False)
        first, second, third = sorted(data.draw(st.lists(st.integers(0, 20), min_size=3, max_size=3)))
        prompt = held[:first] + new + held[first:second] + new + held[third:] + [1]
        if len(prompt) < self.limits.window:
            self.submit(prompt, 1, None, "a", scores=False)

    @invariant()
    def what_is_not_exact_is_not_kept(self) -> None:
        for slot in self.scheduler.slots:
            assert slot.exact is None or (0 <= slot.exact < len(slot.tokens) and self.saving(slot) is None)

    def saving(self, slot: Slot) -> Save | None:
        plan = Plan()
        deepcopy(self.scheduler).caches.save(slot, plan)
        return next((op for op in plan.ops if isinstance(op, Save)), None)


class WithoutCopies(SchedulerMachine):
    can_copy = False


class WholeSequencesOnly(SchedulerMachine):
    can_remove_tail = False


SchedulerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
WithShifts.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
WithInsertions.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
WithoutCopies.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
WholeSequencesOnly.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestScheduler = SchedulerMachine.TestCase
TestWithShifts = WithShifts.TestCase
TestWithInsertions = WithInsertions.TestCase
TestWithoutCopies = WithoutCopies.TestCase
TestWholeSequencesOnly = WholeSequencesOnly.TestCase
