"""The generation loop: takes requests, runs steps of the scheduler on the engine, says what came of them.

One thread owns it. Frames go out through `emit`, which may buffer until the step is over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from samovar.core.engine import Batch, Engine
from samovar.core.errors import EngineFailed, InvalidInput, SamovarError
from samovar.core.events import Accepted, Event, Failed, PromptProgress
from samovar.core.requests import GenerateRequest, Part, begins_with
from samovar.runtime.answer import Answer, Choice
from samovar.runtime.frames import Cancel, FromWorker, Generate, Happened, Spell, Tokenize, Tokens, ToWorker
from samovar.runtime.scheduler import Copy, Job, Limits, Plan, Remove, Scheduler
from samovar.sampling import Lexicon
from samovar.sampling.chain import Chain
from samovar.sampling.grammar import Grammars

if TYPE_CHECKING:
    from samovar.core.engine import Logits
    from samovar.sampling.guidance import Logits as Row

Emit = Callable[[FromWorker], None]


class GenerationLoop:
    """Drives one engine."""

    def __init__(self, engine: Engine, emit: Emit, limits: Limits | None = None) -> None:
        info = engine.info
        self._engine = engine
        self._emit = emit
        self._ends = frozenset(info.end_tokens)
        tokenize = partial(engine.tokenize, special=True)
        self._lexicon = Lexicon(info.vocab_size, info.end_tokens, engine.piece, tokenize)
        self._scheduler = Scheduler(limits or limits_of(engine))
        self._answers: dict[str, Answer] = {}
        self._choices: dict[Job, Choice] = {}
        self._grammars = Grammars(engine)

    @property
    def idle(self) -> bool:
        return self._scheduler.idle

    @property
    def reads_prompt(self) -> bool:
        """Whether the next step may be a long one."""
        return self._scheduler.reads_prompt

    def handle(self, frame: ToWorker) -> None:
        """Takes one frame from the front; everything a request can do wrong is answered, never raised."""
        match frame:
            case Generate(request):
                self._begin(request)
            case Cancel(id):
                self._cancel(id)
            case Tokenize(id, parts, bos):
                tokens = self._tokenize(parts, bos=bos)
                self._emit(Tokens(id, tuple(tokens), tuple(map(self._engine.piece, tokens))))
            case Spell(id, tokens):
                known = [token for token in tokens if 0 <= token < self._engine.info.vocab_size]
                self._emit(Tokens(id, tuple(known), tuple(map(self._engine.piece, known))))
            case _:
                pass

    def step(self) -> None:
        """Plans, computes and commits one step."""
        plan = self._scheduler.plan()
        if not plan.work:
            return
        for work in plan.work:
            self._answers[work.job.request].began()
        try:
            self._apply(plan)
            rows = self._engine.decode(_batch(plan))
        except SamovarError as error:
            self._abandon(plan, error)
            return
        self._commit(plan, rows)

    def _begin(self, request: GenerateRequest) -> None:
        try:
            tokens = self._prompt(request)
            # What the chain cannot be is refused here, before anything is queued.
            Chain(request.sampling)
            if request.banned and not self._engine.info.capabilities.can_remove_tail:
                raise InvalidInput("runtime.cannot_take_back", architecture=self._engine.info.architecture)
            grammar = self._grammars.grammar(request.constraint) if request.constraint else None
            jobs = self._scheduler.submit(request.id, tokens, request.n, self._negative(request, tokens))
        except SamovarError as error:
            self._say(request.id, Failed(error.value()))
            return
        seed = request.sampling.seed
        seed = secrets.randbits(31) if seed is None else seed
        answer = Answer(request, jobs, seed, self._lexicon, grammar)
        self._answers[request.id] = answer
        self._choices.update({choice.job: choice for choice in answer.choices})
        self._say(request.id, Accepted(len(tokens), seed))

    def _prompt(self, request: GenerateRequest) -> list[int]:
        tokens = list(request.tokens) or self._tokenize(request.parts)
        if not tokens:
            raise InvalidInput("runtime.prompt_empty")
        size = self._engine.info.vocab_size
        unknown = next((token for token in tokens if not 0 <= token < size), None)
        if unknown is not None:
            raise InvalidInput("runtime.token_unknown", token=unknown, size=size)
        return tokens

    def _negative(self, request: GenerateRequest, prompt: list[int]) -> list[int] | None:
        if request.guidance_scale == 1:
            return None
        return self._tokenize(request.negative) or prompt[-1:]

    def _tokenize(self, parts: tuple[Part, ...], *, bos: bool = True) -> list[int]:
        """Only the first part may get a begin-of-sequence token, and only if the template wrote none."""
        written = not bos or begins_with(parts, self._engine.info.bos_text)
        return [
            token
            for i, part in enumerate(parts)
            for token in self._engine.tokenize(part.text, special=part.special, bos=i == 0 and not written)
        ]

    def _cancel(self, id: str) -> None:
        answer = self._answers.get(id)
        if answer is None:
            return
        for choice in answer.choices:
            if not choice.ended:
                self._finish(choice, choice.end("cancelled"))

    def _apply(self, plan: Plan) -> None:
        for op in plan.ops:
            match op:
                case Remove(sequence, start):
                    if not self._engine.remove(sequence, start):
                        raise EngineFailed("runtime.engine_fault", fault=f"seq_rm {sequence} {start}")
                case Copy(source, target, end):
                    self._engine.copy(source, target, end)

    def _commit(self, plan: Plan, rows: Logits) -> None:
        row_of = {work.job: row for row, work in enumerate(work for work in plan.work if work.wanted)}
        for work in plan.work:
            job = work.job
            if job.leader:
                continue
            if not work.wanted:
                if job.index == 0:
                    self._progress(job)
            elif job in self._choices:
                self._draw(job, rows[row_of[job]], rows[row_of[job.shadow]] if job.shadow else None)

    def _draw(self, job: Job, row: Row, against: Row | None) -> None:
        """Draws the next token of `job` from its logits, and from those after its negative prompt."""
        choice, answer = self._choices[job], self._answers[job.request]
        if job.index == 0 and len(job.tokens) == job.prompt:
            self._progress(job)
        try:
            if choice.look is not None:
                looked = choice.looked(row, against, self._engine.piece)
                self._finish(choice, [looked, *choice.end("stop")])
                return
            token, detail = choice.draw(row, against)
        except SamovarError as error:
            self._fail(job.request, error)
            return
        answer.drew()
        if token in self._ends:
            self._finish(choice, choice.end("stop"))
            return
        events = choice.say(detail, self._engine.piece, self._scheduler.room(job))
        if choice.ended:
            self._finish(choice, events)
            return
        self._scheduler.append(job, token)
        if choice.back:
            self._take_back(choice)
        for event in events:
            self._say(job.request, event)

    def _take_back(self, choice: Choice) -> None:
        for removal in self._scheduler.rewind(choice.job, choice.back):
            self._engine.remove(removal.sequence, removal.start)
        choice.back = 0

    def _progress(self, job: Job) -> None:
        self._say(job.request, PromptProgress(min(job.computed, job.prompt), job.prompt, job.cached))

    def _finish(self, choice: Choice, events: list[Event]) -> None:
        self._scheduler.finish(choice.job)
        del self._choices[choice.job]
        for event in events:
            self._say(choice.job.request, event)
        answer = self._answers[choice.job.request]
        if answer.ended:
            del self._answers[answer.id]
            self._say(answer.id, answer.done())

    def _abandon(self, plan: Plan, error: SamovarError) -> None:
        """A batch failed: nothing that it touched is trusted any more."""
        for request in {work.job.request for work in plan.work}:
            self._fail(request, error)

    def _fail(self, request: str, error: SamovarError) -> None:
        answer = self._answers.pop(request)
        for choice in answer.choices:
            self._choices.pop(choice.job, None)
            for removal in self._scheduler.forget(choice.job):
                self._engine.remove(removal.sequence, 0)
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
    )


def _batch(plan: Plan) -> Batch:
    batch = Batch([], [], [], [])
    for work in plan.work:
        batch.tokens += work.job.tokens[work.start : work.start + work.count]
        batch.positions += range(work.start, work.start + work.count)
        batch.sequences += [work.sequence] * work.count
        batch.wanted += [False] * (work.count - 1) + [work.wanted]
    return batch
