"""The desk: which requests are being answered, how they begin, and how they end.

Knows the queue of the scheduler and the words of an answer; never computes.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from functools import partial

from samovar.core.engine import Engine
from samovar.core.errors import InvalidInput, SamovarError
from samovar.core.events import Accepted, Done, Event, Failed, PromptProgress, Timings, Usage
from samovar.core.requests import GenerateRequest
from samovar.runtime.answer import Answer, Choice
from samovar.runtime.counts import NO_COUNTS, Counts
from samovar.runtime.frames import FromWorker, Happened
from samovar.runtime.jobs import Job, Remove
from samovar.runtime.prompt import Prompts
from samovar.runtime.scheduler import Scheduler
from samovar.runtime.scoring import Scores
from samovar.sampling import Lexicon
from samovar.sampling.chain import Chain
from samovar.sampling.grammar import Grammars

Emit = Callable[[FromWorker], None]

NOTHING = Done(Usage(0, 0, 0), Timings(0, 0.0, 0, 0.0, 0))


class Desk:
    """The requests of one scheduler. `patient`: what is drawn is said when `speak` is called."""

    def __init__(
        self, engine: Engine, scheduler: Scheduler, prompts: Prompts, emit: Emit, *, patient: bool = False
    ) -> None:
        info = engine.info
        self._patient = patient
        self._engine = engine
        self._scheduler = scheduler
        self._prompts = prompts
        self._emit = emit
        tokenize = partial(engine.tokenize, special=True)
        self._lexicon = Lexicon(info.vocab_size, info.end_tokens, engine.piece, tokenize)
        self._grammars = Grammars(engine)
        self._later: deque[GenerateRequest] = deque()
        self._answers: dict[str, Answer] = {}
        self._counts = NO_COUNTS
        self.choices: dict[Job, Choice] = {}

    @property
    def waits_for_quiet(self) -> bool:
        """Whether there are prompts to read as soon as nobody waits."""
        return bool(self._later)

    def take(self, request: GenerateRequest) -> list[Remove]:
        """Queues the request; one that only warms a prompt waits until nothing else is to do, and is given up for
        others. What is read of its prompt stays. The caller does what is returned."""
        if request.warm:
            self._later.append(request)
            return []
        warming = [id for id, answer in self._answers.items() if answer.request.warm]
        removals = [removal for id in warming for removal in self.cancel(id)]
        self._begin(request)
        return removals

    def take_later(self) -> None:
        """Queues one prompt that waited for quiet."""
        self._begin(self._later.popleft())

    def counted(self) -> Counts:
        """What has ended since this was last asked."""
        counts, self._counts = self._counts, NO_COUNTS
        return counts

    def answer(self, job: Job) -> Answer:
        return self._answers[job.request]

    def cancel(self, id: str) -> list[Remove]:
        """Ends the request, if it has not ended. The caller does what is returned."""
        answer = self._answers.get(id)
        removals: list[Remove] = []
        for choice in answer.choices if answer else ():
            if not choice.ended:
                removals += self.finish(choice, choice.end("cancelled"))
        if any(request.id == id for request in self._later):
            self._later = deque(request for request in self._later if request.id != id)
            self.say(id, NOTHING)
        return removals

    def finish(self, choice: Choice, events: list[Event]) -> list[Remove]:
        """The choice ends with `events`. The caller does what is returned."""
        job, answer = choice.job, self.answer(choice.job)
        removals = self._scheduler.settle(job) + self._scheduler.finish(job)
        del self.choices[job]
        drawn = job.tokens[job.prompt :]
        pieces = [choice.piece(token) for token in drawn]
        self._prompts.remember(answer.request, job.tokens[: job.prompt], drawn, pieces, "".join(choice.said))
        for event in events:
            self.say(job.request, event)
        if answer.ended:
            del self._answers[answer.id]
            self._counts += answer.counted()
            self.say(answer.id, answer.done())
        return removals

    def fail(self, request: str, error: SamovarError) -> list[Remove]:
        """The request ends with `error`, and its caches are not trusted. The caller does what is returned."""
        answer = self._answers.pop(request)
        removals: list[Remove] = []
        for choice in answer.choices:
            for event in choice.speak():
                self.say(request, event)
            self.choices.pop(choice.job, None)
            removals += self._scheduler.forget(choice.job)
        self._counts += Counts(failed=1)
        self.say(request, Failed(error.value()))
        return removals

    def progress(self, job: Job) -> None:
        self.say(job.request, PromptProgress(job.done, job.prompt, job.cached))

    def speak(self) -> None:
        """Says what was drawn since."""
        for job, choice in self.choices.items():
            for event in choice.speak():
                self.say(job.request, event)

    def say(self, id: str, event: Event) -> None:
        self._emit(Happened(id, event))

    def _begin(self, request: GenerateRequest) -> None:
        info = self._engine.info
        try:
            if not info.capabilities.can_write:
                raise InvalidInput("runtime.only_embeds", architecture=info.architecture)
            tokens = self._prompts.read(request)
            # What the chain cannot be is refused here, before anything is queued.
            Chain(request.sampling)
            if request.banned and not info.capabilities.can_remove_tail:
                raise InvalidInput("runtime.cannot_take_back", architecture=info.architecture)
            grammar = self._grammars.grammar(request.constraint) if request.constraint else None
            first = Job(request.id, 0, tokens, len(tokens), request.tenant, request.session, warm=request.warm)
            first.scores = request.prompt_logprobs is not None
            first.mute = request.max_tokens == 0 or request.look is not None
            jobs = self._scheduler.submit(first, request.n, self._prompts.negative(request, tokens))
        except SamovarError as error:
            self.say(request.id, Failed(error.value()))
            return
        seed = request.sampling.seed
        seed = secrets.randbits(31) if seed is None else seed
        shown = self._prompts.controls(request.shown)
        scores = self._scores(request, tokens)
        answer = Answer(
            request, jobs, seed, self._lexicon, grammar, shown=shown, scores=scores, patient=self._patient
        )
        self._answers[request.id] = answer
        self.choices.update({choice.job: choice for choice in answer.choices})
        self.say(request.id, Accepted(len(tokens), seed))

    def _scores(self, request: GenerateRequest, prompt: list[int]) -> Scores | None:
        if request.prompt_logprobs is None:
            return None
        return Scores(prompt, request.prompt_logprobs, self._engine.info.vocab_size, self._prompts.written)
