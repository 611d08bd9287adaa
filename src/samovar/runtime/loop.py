"""The generation loop: runs steps of the scheduler on the engine, and draws from what comes of them.

One thread owns it. Frames go out through `emit`, which may buffer until the step is over. What is only for later
(prompts to warm, caches to save) is done while nobody waits.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from samovar.core.engine import Batch, Engine, Setting
from samovar.core.errors import SamovarError
from samovar.runtime.aside import answer_to
from samovar.runtime.counts import NO_COUNTS, Counts
from samovar.runtime.desk import Desk, Emit
from samovar.runtime.embedding import Embedder
from samovar.runtime.frames import (
    Cancel,
    Embed,
    Erase,
    Forget,
    Generate,
    Look,
    Pin,
    Seen,
    Spell,
    Tokenize,
    ToWorker,
)
from samovar.runtime.jobs import NO_GUESSES, Guesses, Job, Limits, Plan, Remove, Restore, Work
from samovar.runtime.keeper import Keeper
from samovar.runtime.looking import state_of
from samovar.runtime.pacer import Pacer
from samovar.runtime.prompt import Prompts
from samovar.runtime.scheduler import Scheduler
from samovar.runtime.shelf import EmptyShelf, Store
from samovar.runtime.speculation import Guesser

if TYPE_CHECKING:
    from samovar.core.engine import Logits
    from samovar.sampling.guidance import Logits as Row


class GenerationLoop:
    """Drives one engine. `patient`: what is drawn is said when `speak` is called, and at the end of an answer; else
    token by token."""

    def __init__(
        self,
        engine: Engine,
        emit: Emit,
        limits: Limits | None = None,
        store: Store | None = None,
        speculation: Guesser | None = None,
        *,
        patient: bool = False,
    ) -> None:
        self.engine = engine
        self._emit = emit
        self._ends = frozenset(engine.info.end_tokens)
        self._store = store or EmptyShelf()
        self.scheduler = Scheduler(limits or limits_of(engine), self._store)
        self._prompts = Prompts(engine, self._store.labels())
        self._desk = Desk(engine, self.scheduler, self._prompts, emit, patient=patient)
        self._keeper = Keeper(engine, self._store, self._prompts.note)
        self._pacer = Pacer(engine)
        chunk = self.scheduler.limits.busy_chunk
        self._embedder = Embedder(engine.info, self._pacer, self._prompts, emit, chunk)
        self._speculation = speculation

    @property
    def idle(self) -> bool:
        return self.scheduler.idle and not self._desk.waits_for_quiet and not self._embedder.busy

    @property
    def reads_prompt(self) -> bool:
        """Whether the next step may be a long one."""
        return self.scheduler.reads_prompt

    def handle(self, frame: ToWorker) -> None:
        """Takes one frame from the front; everything a request can do wrong is answered, never raised."""
        match frame:
            case Generate(request):
                self._remove(self._desk.take(request))
            case Cancel(id):
                self._embedder.cancel(id)
                self._remove(self._desk.cancel(id))
            case Tokenize() | Spell():
                self._emit(answer_to(frame, lambda it: self._prompts.tokenize(it.parts, bos=it.bos), self.engine))
            case Embed():
                self._embedder.take(frame)
            case Look(id, slot):
                self._emit(Seen(id, state_of(self.scheduler, self._desk.choices, self._store.sizes(), slot)))
            case Erase(slot, tenant):
                self._keeper.apply(self.scheduler.erase(slot, tenant))
            case Forget(session):
                self._keeper.apply(self.scheduler.drop(session))
                self._store.forget(session)
                self._prompts.forget(session)
            case Pin(sessions):
                self._store.pin(sessions)
            case _:
                pass

    def step(self) -> None:
        """Plans, computes and commits one step, and a few tokens of what is embedded."""
        if self._embedder.busy:
            self._embedder.step()
            if self.scheduler.idle:
                return
        if self.scheduler.idle and self._desk.waits_for_quiet:
            self._desk.take_later()
        began = time.perf_counter()
        plan = self.scheduler.plan(self._guesses())
        for work in plan.work:
            self._desk.answer(work.job).began()
        try:
            for op, worked in self._keeper.apply(plan.ops):
                self.scheduler.restored(op.job, worked=worked)
            computing = time.perf_counter()
            rows = self._pacer.decode(_batch(plan), draws=plan.draws)
        except SamovarError as error:
            self._abandon(plan, error)
            return
        if self._speculation and all(work.wanted and work.count == 1 for work in plan.work):
            now = time.perf_counter()
            self._speculation.took(len(plan.work), len(rows), now - computing, now - began)
        self._commit(plan, rows)

    def speak(self) -> None:
        """Says what was drawn since it was last called."""
        self._desk.speak()

    def counted(self) -> Counts | None:
        """What was done since this was last asked; None while no request has ended."""
        ended = self._desk.counted()
        return None if ended is NO_COUNTS else ended + self.scheduler.counted() + self._store.counted()

    def _guesses(self) -> Guesses:
        """What may come next for the streams, where nothing else is to be done in the step."""
        running = self.scheduler.running
        if self._speculation is None or any(job.reads_prompt for job in running):
            return NO_GUESSES
        return self._speculation.guesses({job: self._room(job) for job in running if not job.leader})

    def _room(self, job: Job) -> int:
        """Tokens that may come after the next one; none where they are not drawn one by one."""
        choice = self._desk.choices[job]
        return 0 if job.shadow or choice.look or choice.says_nothing else choice.left(self.scheduler.room(job)) - 1

    def tidy(self) -> bool:
        """Saves one cache that is not yet on the shelf, while nothing else is to do, and gives back the memory that
        was needed for embedding. False: there is no cache to save."""
        self.engine.end_embedding()
        unsaved = self.scheduler.unsaved()
        if unsaved:
            self._keeper.save(unsaved)
        return unsaved is not None

    def put_away(self) -> None:
        """Saves every cache that is not yet on the shelf: the engine is about to close."""
        while self.tidy():
            pass

    def _commit(self, plan: Plan, rows: Logits) -> None:
        start = 0
        rows_of: dict[Job, Sequence[Row]] = {}
        for work in plan.work:
            if work.wanted or work.every:
                own = list(rows[start : start + work.rows])
                rows_of[work.job] = own or [self._keeper.kept(work.sequence)]
                start += work.rows
        for work in plan.work:
            job = work.job
            if job.leader or (work.every and not self._score(work, rows_of)):
                continue
            if not work.wanted:
                if job.index == 0:
                    self._desk.progress(job)
            elif job in self._desk.choices:
                self._verify(work, rows_of[job], rows_of[job.shadow][0] if job.shadow else None)

    def _score(self, work: Work, rows_of: dict[Job, Sequence[Row]]) -> bool:
        """Notes how likely tokens of the prompt were, and leaves the last row to be drawn from. False: the request
        has failed."""
        job, rows = work.job, rows_of[work.job]
        scores = self._desk.answer(job).scores
        assert scores is not None
        try:
            scored = scores.take(work.start, rows)
        except SamovarError as error:
            self._remove(self._desk.fail(job.request, error))
            return False
        self.scheduler.scored(job, work.start + work.count)
        if scored:
            self._desk.say(job.request, scored)
        rows_of[job] = rows[-1:]
        return True

    def _verify(self, work: Work, rows: Sequence[Row], against: Row | None) -> None:
        """Draws the next token, and one more after each guess, as long as the guesses come true."""
        choice, job = self._desk.choices[work.job], work.job
        choice.guessed += len(work.guesses)
        drawn: list[int] = []
        for row, guess in zip(rows, [*work.guesses, None], strict=True):
            token = self._draw(job, row, against)
            if token is None:
                break
            drawn.append(token)
            if token != guess:
                break
            choice.came_true += 1
        if self._speculation:
            self._speculation.came(job, drawn)
        self._remove(self.scheduler.settle(job))

    def _draw(self, job: Job, row: Row, against: Row | None) -> int | None:
        """Draws the next token of `job` from its logits, and from those after its negative prompt. None where the
        job does not go on with it."""
        choice, answer = self._desk.choices[job], self._desk.answer(job)
        if len(job.tokens) == job.prompt and job.index == 0:
            self._desk.progress(job)
            self._keep(job, row, against)
        try:
            if choice.look is not None:
                looked = choice.looked(row, against, self.engine.piece)
                self._remove(self._desk.finish(choice, [looked, *choice.end("stop")]))
                return None
            if job.warm or choice.says_nothing:
                self._remove(self._desk.finish(choice, choice.end("length" if choice.says_nothing else "stop")))
                return None
            token, detail = choice.draw(row, against)
        except SamovarError as error:
            self._remove(self._desk.fail(job.request, error))
            return None
        answer.drew()
        if token in self._ends and not answer.request.past_end:
            self._remove(self._desk.finish(choice, choice.end("stop")))
            return None
        events = choice.say(detail, self.scheduler.room(job))
        self.scheduler.append(job, token)
        if choice.ended:
            self._remove(self._desk.finish(choice, events))
            return None
        for event in events:
            self._desk.say(job.request, event)
        if choice.back:
            self._remove(self.scheduler.rewind(job, choice.back))
            choice.back = 0
            return None
        return token

    def _keep(self, job: Job, row: Row, against: Row | None) -> None:
        """The logits at the end of a prompt: another answer to it computes nothing."""
        rows = [row] if against is None else [row, against]
        for sequence, kept in zip(self.scheduler.keep_logits(job), rows, strict=True):
            self._keeper.keep(sequence, kept)

    def _remove(self, removals: list[Remove]) -> None:
        for removal in removals:
            self.engine.remove(removal.sequence, removal.start)

    def _abandon(self, plan: Plan, error: SamovarError) -> None:
        """A batch failed: nothing that it touched is trusted any more."""
        touched = [work.job for work in plan.work] + [op.job for op in plan.ops if isinstance(op, Restore)]
        for request in {job.request for job in touched}:
            self._remove(self._desk.fail(request, error))


def limits_of(engine: Engine, *, reuse_shifted: bool = False) -> Limits:
    """What the engine allows. `reuse_shifted`: as in `Limits`, where the engine can do it."""
    info, able = engine.info, engine.info.capabilities
    return Limits(
        chunk=_whole(Limits.chunk, info.setting),
        busy_chunk=_whole(Limits.busy_chunk, info.setting),
        rows=info.rows or Limits.rows,
        window=info.window,
        cells=info.cells,
        sequences=info.parallel,
        can_copy=able.can_copy,
        can_remove_tail=able.can_remove_tail,
        can_shift=able.can_shift,
        apart=info.apart,
        reuse_shifted=reuse_shifted and able.can_reuse_shifted and info.parallel > 1,
    )


def _whole(chunk: int, setting: Setting | None) -> int:
    """As many of `chunk` tokens as fill micro-batches: a remainder of a few costs as much as many."""
    size = setting.micro_batch if setting else chunk
    return chunk // size * size or chunk


def _batch(plan: Plan) -> Batch:
    batch = Batch([], [], [], [])
    for work in plan.work:
        size = work.count + len(work.guesses)
        batch.tokens += work.job.tokens[work.start : work.start + work.count] + work.guesses
        batch.positions += range(work.start, work.start + size)
        batch.sequences += [work.sequence] * size
        batch.wanted += [False] * (size - work.rows) + [True] * work.rows
    return batch
