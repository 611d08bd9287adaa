"""The generation loop: takes requests, runs steps of the scheduler on the engine, says what came of them.

One thread owns it. Frames go out through `emit`, which may buffer until the step is over. What is only for later
(prompts to warm, caches to save) is done while nobody waits.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from samovar.core.engine import Batch, Engine
from samovar.core.errors import InvalidInput, SamovarError
from samovar.core.events import Accepted, Done, Event, Failed, PromptProgress, Timings, Usage
from samovar.core.requests import GenerateRequest
from samovar.runtime.answer import Answer, Choice
from samovar.runtime.frames import (
    Cancel,
    Forget,
    FromWorker,
    Generate,
    Happened,
    Pin,
    Spell,
    Tokenize,
    Tokens,
    ToWorker,
)
from samovar.runtime.jobs import Job, Limits, Plan, Restore
from samovar.runtime.keeper import Keeper
from samovar.runtime.prompt import Prompts
from samovar.runtime.scheduler import Scheduler
from samovar.runtime.shelf import EmptyShelf, Store
from samovar.sampling import Lexicon
from samovar.sampling.chain import Chain
from samovar.sampling.grammar import Grammars

if TYPE_CHECKING:
    from samovar.core.engine import Logits
    from samovar.sampling.guidance import Logits as Row

Emit = Callable[[FromWorker], None]


class GenerationLoop:
    """Drives one engine."""

    def __init__(
        self, engine: Engine, emit: Emit, limits: Limits | None = None, store: Store | None = None
    ) -> None:
        info = engine.info
        self.engine = engine
        self._emit = emit
        self._ends = frozenset(info.end_tokens)
        tokenize = partial(engine.tokenize, special=True)
        self._lexicon = Lexicon(info.vocab_size, info.end_tokens, engine.piece, tokenize)
        store = store or EmptyShelf()
        self.scheduler = Scheduler(limits or limits_of(engine), store)
        self._prompts = Prompts(engine, store.labels())
        self._keeper = Keeper(engine, store, self._prompts.note)
        self._store = store
        self._later: deque[GenerateRequest] = deque()
        self._answers: dict[str, Answer] = {}
        self._choices: dict[Job, Choice] = {}
        self._grammars = Grammars(engine)

    @property
    def idle(self) -> bool:
        return self.scheduler.idle and not self._later

    @property
    def reads_prompt(self) -> bool:
        """Whether the next step may be a long one."""
        return self.scheduler.reads_prompt

    def handle(self, frame: ToWorker) -> None:
        """Takes one frame from the front; everything a request can do wrong is answered, never raised."""
        match frame:
            case Generate(request) if request.warm:
                self._later.append(request)
            case Generate(request):
                self._give_up_warming()
                self._begin(request)
            case Cancel(id):
                self._cancel(id)
            case Tokenize(id, parts, bos):
                tokens = self._prompts.tokenize(parts, bos=bos)
                self._emit(Tokens(id, tuple(tokens), tuple(map(self.engine.piece, tokens))))
            case Spell(id, tokens):
                known = [token for token in tokens if 0 <= token < self.engine.info.vocab_size]
                self._emit(Tokens(id, tuple(known), tuple(map(self.engine.piece, known))))
            case Forget(session):
                self._keeper.apply(self.scheduler.drop(session))
                self._store.forget(session)
            case Pin(sessions):
                self._store.pin(sessions)
            case _:
                pass

    def step(self) -> None:
        """Plans, computes and commits one step."""
        if self.scheduler.idle and self._later:
            self._begin(self._later.popleft())
        plan = self.scheduler.plan()
        for work in plan.work:
            self._answers[work.job.request].began()
        try:
            for op, worked in self._keeper.apply(plan.ops):
                self.scheduler.restored(op.job, worked=worked)
            rows = self.engine.decode(_batch(plan))
        except SamovarError as error:
            self._abandon(plan, error)
            return
        self._commit(plan, rows)

    def tidy(self) -> bool:
        """Saves one cache that is not yet on the shelf, while nothing else is to do. False: there is none."""
        unsaved = self.scheduler.unsaved()
        if unsaved:
            self._keeper.save(unsaved)
        return unsaved is not None

    def put_away(self) -> None:
        """Saves every cache that is not yet on the shelf: the engine is about to close."""
        while self.tidy():
            pass

    def _begin(self, request: GenerateRequest) -> None:
        try:
            tokens = self._prompts.read(request)
            # What the chain cannot be is refused here, before anything is queued.
            Chain(request.sampling)
            if request.banned and not self.engine.info.capabilities.can_remove_tail:
                raise InvalidInput("runtime.cannot_take_back", architecture=self.engine.info.architecture)
            grammar = self._grammars.grammar(request.constraint) if request.constraint else None
            first = Job(request.id, 0, tokens, len(tokens), request.tenant, request.session, warm=request.warm)
            jobs = self.scheduler.submit(first, request.n, self._prompts.negative(request, tokens))
        except SamovarError as error:
            self._say(request.id, Failed(error.value()))
            return
        seed = request.sampling.seed
        seed = secrets.randbits(31) if seed is None else seed
        answer = Answer(request, jobs, seed, self._lexicon, grammar)
        self._answers[request.id] = answer
        self._choices.update({choice.job: choice for choice in answer.choices})
        self._say(request.id, Accepted(len(tokens), seed))

    def _give_up_warming(self) -> None:
        """Somebody waits: prompts that are read for later are read later. What is read of them stays."""
        for id in [id for id, answer in self._answers.items() if answer.request.warm]:
            self._cancel(id)

    def _cancel(self, id: str) -> None:
        answer = self._answers.get(id)
        if answer is None:
            self._forget_later(id)
            return
        for choice in answer.choices:
            if not choice.ended:
                self._finish(choice, choice.end("cancelled"))

    def _forget_later(self, id: str) -> None:
        """A prompt that was to be warmed is not wanted any more."""
        if any(request.id == id for request in self._later):
            self._later = deque(request for request in self._later if request.id != id)
            self._say(id, Done(Usage(0, 0, 0), Timings(0, 0.0, 0, 0.0, 0)))

    def _commit(self, plan: Plan, rows: Logits) -> None:
        row = 0
        row_of: dict[Job, Row] = {}
        for work in plan.work:
            if work.wanted:
                row_of[work.job] = rows[row] if work.count else self._keeper.kept(work.sequence)
                row += work.count > 0
        for work in plan.work:
            job = work.job
            if job.leader:
                continue
            if not work.wanted:
                if job.index == 0:
                    self._progress(job)
            elif job in self._choices:
                self._draw(job, row_of[job], row_of[job.shadow] if job.shadow else None)

    def _draw(self, job: Job, row: Row, against: Row | None) -> None:
        """Draws the next token of `job` from its logits, and from those after its negative prompt."""
        choice, answer = self._choices[job], self._answers[job.request]
        if len(job.tokens) == job.prompt and job.index == 0:
            self._progress(job)
            self._keep(job, row, against)
        try:
            if choice.look is not None:
                looked = choice.looked(row, against, self.engine.piece)
                self._finish(choice, [looked, *choice.end("stop")])
                return
            if job.warm:
                self._finish(choice, choice.end("stop"))
                return
            token, detail = choice.draw(row, against)
        except SamovarError as error:
            self._fail(job.request, error)
            return
        answer.drew()
        if token in self._ends:
            self._finish(choice, choice.end("stop"))
            return
        events = choice.say(detail, self.engine.piece, self.scheduler.room(job))
        self.scheduler.append(job, token)
        if choice.ended:
            self._finish(choice, events)
            return
        if choice.back:
            self._take_back(choice)
        for event in events:
            self._say(job.request, event)

    def _keep(self, job: Job, row: Row, against: Row | None) -> None:
        """The logits at the end of a prompt: another answer to it computes nothing."""
        rows = [row] if against is None else [row, against]
        for sequence, kept in zip(self.scheduler.keep_logits(job), rows, strict=True):
            self._keeper.keep(sequence, kept)

    def _take_back(self, choice: Choice) -> None:
        for removal in self.scheduler.rewind(choice.job, choice.back):
            self.engine.remove(removal.sequence, removal.start)
        choice.back = 0

    def _progress(self, job: Job) -> None:
        self._say(job.request, PromptProgress(min(job.computed, job.prompt), job.prompt, job.cached))

    def _finish(self, choice: Choice, events: list[Event]) -> None:
        job = choice.job
        answer = self._answers[job.request]
        self.scheduler.finish(job)
        del self._choices[job]
        self._prompts.remember(
            answer.request, job.tokens[: job.prompt], job.tokens[job.prompt :], "".join(choice.said)
        )
        for event in events:
            self._say(job.request, event)
        if answer.ended:
            del self._answers[answer.id]
            self._say(answer.id, answer.done())

    def _abandon(self, plan: Plan, error: SamovarError) -> None:
        """A batch failed: nothing that it touched is trusted any more."""
        touched = [work.job for work in plan.work] + [op.job for op in plan.ops if isinstance(op, Restore)]
        for request in {job.request for job in touched}:
            self._fail(request, error)

    def _fail(self, request: str, error: SamovarError) -> None:
        answer = self._answers.pop(request)
        for choice in answer.choices:
            self._choices.pop(choice.job, None)
            for removal in self.scheduler.forget(choice.job):
                self.engine.remove(removal.sequence, 0)
        self._say(request, Failed(error.value()))

    def _say(self, id: str, event: Event) -> None:
        self._emit(Happened(id, event))


def limits_of(engine: Engine) -> Limits:
    info = engine.info
    return Limits(
        window=info.window,
        cells=info.cells,
        sequences=info.parallel,
        can_copy=info.capabilities.can_copy,
        can_remove_tail=info.capabilities.can_remove_tail,
        can_shift=info.capabilities.can_shift,
    )


def _batch(plan: Plan) -> Batch:
    batch = Batch([], [], [], [])
    for work in plan.work:
        batch.tokens += work.job.tokens[work.start : work.start + work.count]
        batch.positions += range(work.start, work.start + work.count)
        batch.sequences += [work.sequence] * work.count
        batch.wanted += [False] * (work.count - 1) + [work.wanted] * (work.count > 0)
    return batch
