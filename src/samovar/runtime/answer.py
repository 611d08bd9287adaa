"""One request while it is answered: its choices, what each has said, and how long it took.

Turns rows of logits into events. Knows the sampler and the text stream; not the scheduler's queue, nor the engine.
"""

from __future__ import annotations

import math
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from samovar.core.events import (
    Alternative,
    Delta,
    Done,
    Event,
    Finish,
    FinishReason,
    Looked,
    Stage,
    Timings,
    TokenDetail,
    Usage,
)
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.prompts.banned import BannedTexts
from samovar.prompts.stream import TextStream
from samovar.runtime.counts import Counts, answered
from samovar.runtime.jobs import Job
from samovar.runtime.scoring import Scores
from samovar.sampling import Lexicon, Sampler
from samovar.sampling.grammar import Grammar
from samovar.sampling.guidance import guided
from samovar.sampling.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from samovar.sampling.guidance import Logits as Row
    from samovar.sampling.sampler import Place

NONE_SHOWN: Mapping[int, bytes] = MappingProxyType({})

MOST_BANS = 64
"""Tokens that may be ruled out at one place, before a banned text is let through rather than going on for ever."""


class Choice:
    """One of the answers that a request asked for. `shown`: the texts of control tokens that are part of the
    answer's, by token; of others nothing is. `patient`: where no text can end it, its tokens are only noted,
    and become one event when `speak` is called, or at the end."""

    def __init__(
        self,
        request: GenerateRequest,
        job: Job,
        seed: int,
        lexicon: Lexicon,
        grammar: Grammar | None,
        *,
        shown: Mapping[int, bytes] = NONE_SHOWN,
        patient: bool = False,
    ) -> None:
        params = request.sampling
        self.job = job
        self._shown, self._spell = shown, lexicon.piece
        watched = request.stop or request.banned or grammar or request.logprobs is not None
        self._patient = patient and not watched
        self._noted: list[TokenDetail] = []
        self.produced = 0
        self.ended = False
        self._limit = request.max_tokens
        self._scale = request.guidance_scale
        self._params, self._lexicon = request.sampling, lexicon
        self.look = request.look
        self._wants_logprobs = request.logprobs
        self._after = request.logprobs_after and request.logprobs is not None
        own = SamplingParams(params.values, params.order, seed + job.index)
        self._sampler = Sampler(own, lexicon, native=not self._after)
        self._follower = grammar.follow() if grammar else None
        self._text = TextStream(request.stop)
        self._place = self._sampler.place
        self._held: list[tuple[TokenDetail, Place]] = []
        self._banned = (
            BannedTexts(request.banned.texts, ignore_case=request.banned.ignore_case) if request.banned else None
        )
        self._bans: dict[int, frozenset[int]] = {}
        self.back = 0
        self.said: list[str] = []
        self.guessed = self.came_true = 0

    def piece(self, token: int) -> bytes:
        """What `token` adds to the text."""
        return self._shown.get(token) or self._spell(token)

    @property
    def says_nothing(self) -> bool:
        """Whether only the prompt is to be read."""
        return self._limit == 0

    def left(self, room: int) -> int:
        """Tokens that it may still say, of the `room` in its window."""
        return room if self._limit is None else min(room, self._limit - self.produced)

    def draw(self, row: Row, against: Row | None = None) -> tuple[int, TokenDetail]:
        """The next token from its logits, float32 [vocabulary], guided away from the logits `against`. Log-
        probabilities stay those of `row`; the detail's piece is filled in by `say`."""
        self._place = self._sampler.place
        token = self._sampler.draw(self._steered(row, against), self.job.tokens)
        if self._wants_logprobs is None:
            return token, TokenDetail(token, b"")
        count = self._wants_logprobs
        after = self._sampler.final_logprobs
        logprob, top = after(token, count) if self._after else self._sampler.logprobs(row, token, count)
        return token, TokenDetail(token, b"", logprob, tuple(Alternative(i, b"", p) for i, p in top))

    def _steered(self, row: Row, against: Row | None) -> Row:
        steered = row if against is None else guided(row, against, self._scale)
        bans = self._bans.get(len(self.job.tokens))
        if bans:
            steered = steered.copy()
            steered[list(bans)] = -math.inf
        return self._follower.masked(steered) if self._follower else steered

    def looked(self, row: Row, against: Row | None, piece: Callable[[int], bytes]) -> Looked:
        """What each step would do to `row`, as `draw` takes it."""
        steered = self._steered(row, against)
        stages = trace(self._params, self._lexicon, steered, self.job.tokens, self.look or 1)
        return Looked(
            tuple(
                Stage(s.step, s.survivors, tuple(Alternative(i, piece(i), math.log(p)) for i, p in s.top if p > 0))
                for s in stages
            )
        )

    def say(self, detail: TokenDetail, room: int) -> list[Event]:
        """Events for a drawn token that does not end the text by itself. `room`: tokens left in the window. Where
        a banned text came with it, `back` says how many tokens, this one included, are to be taken back.

        A text that its grammar has completed ends here, without computing an end token."""
        self.produced += 1
        events = self._note(detail) if self._patient else self._say(detail)
        if self.ended or self.back:
            return events
        if self._follower and self._follower.complete:
            return events + self.end("stop")
        if room <= 1 or self.produced == self._limit:
            return events + self.end("length")
        return events

    def speak(self) -> list[Event]:
        """One event for all that was noted since."""
        noted, self._noted = self._noted, []
        if not noted:
            return []
        spelled = tuple(TokenDetail(detail.id, self.piece(detail.id)) for detail in noted)
        text, _ = self._text.push(b"".join(detail.piece for detail in spelled))
        self.said.append(text)
        return [Delta(self.job.index, text, spelled)]

    def end(self, reason: FinishReason) -> list[Event]:
        """The last events: what was held back, unless a stop string is in it, and the finish."""
        events = self.speak() + self._show(len(self._held))
        if self.ended:
            return events
        self.ended = True
        rest = self._text.flush()
        self.said.append(rest)
        held: list[Event] = [Delta(self.job.index, rest)] if rest else []
        return [*events, *held, Finish(self.job.index, reason)]

    def _note(self, detail: TokenDetail) -> list[Event]:
        self._noted.append(detail)
        return []

    def _say(self, detail: TokenDetail) -> list[Event]:
        if self._follower:
            self._follower.advance(detail.id)
        spelled = TokenDetail(
            detail.id,
            self.piece(detail.id),
            detail.logprob,
            tuple(Alternative(a.id, self.piece(a.id), a.logprob) for a in detail.top),
        )
        free = self._hold(spelled)
        return [] if self.back else self._show(free)

    def _hold(self, spelled: TokenDetail) -> int:
        """How many of the held tokens can be shown, now that `spelled` is one of them."""
        self._held.append((spelled, self._place))
        if self._banned is None:
            return 1
        finding = self._banned.push(spelled.piece)
        if not finding.back:
            return finding.free
        first, place = self._held[-finding.back]
        where = len(self.job.tokens) + 1 - finding.back
        bans = self._bans.get(where, frozenset()) | {first.id}
        if len(bans) > MOST_BANS:
            self._banned = None
            return len(self._held)
        # What was ruled out further on was ruled out after another text.
        self._bans = {at: ids for at, ids in self._bans.items() if at < where} | {where: bans}
        self._take_back(finding.back, place)
        return 0

    def _take_back(self, count: int, place: Place) -> None:
        self.back = count
        self.produced -= count
        self._sampler.place = place
        del self._held[-count:]
        if self._follower:
            self._follower.take_back(count)

    def _show(self, count: int) -> list[Event]:
        """Shows the oldest `count` held tokens, up to a stop string, which ends the text."""
        events: list[Event] = []
        for spelled, _ in self._held[:count]:
            text, stop = self._text.push(spelled.piece)
            self.said.append(text)
            events.append(Delta(self.job.index, text, (spelled,)))
            if stop is not None:
                self.ended = True
                return [*events, Finish(self.job.index, "stop", stop)]
        del self._held[:count]
        return events


class Answer:
    """All choices of one request. `scores`: where the likelihoods of its prompt are wanted."""

    def __init__(
        self,
        request: GenerateRequest,
        jobs: list[Job],
        seed: int,
        lexicon: Lexicon,
        grammar: Grammar | None,
        *,
        shown: Mapping[int, bytes] = NONE_SHOWN,
        scores: Scores | None = None,
        patient: bool = False,
    ) -> None:
        self.id = request.id
        self.scores = scores
        self.request = request
        self.choices = [Choice(request, job, seed, lexicon, grammar, shown=shown, patient=patient) for job in jobs]
        self._began: float | None = None
        self._first: float | None = None
        self._asked = time.perf_counter()
        self._last = 0.0

    @property
    def ended(self) -> bool:
        return all(choice.ended for choice in self.choices)

    def began(self) -> None:
        """The first of its tokens is being computed."""
        if self._began is None:
            self._began = time.perf_counter()

    def counted(self) -> Counts:
        """What it came to."""
        done, first = self.done(), None if self._first is None else self._first - self._asked
        return answered(done.timings, self.choices[0].job.tier, first, warm=self.request.warm)

    def drew(self) -> None:
        self._last = time.perf_counter()
        if self._first is None:
            self._first = self._last

    def done(self) -> Done:
        """Token counts and times of the whole request."""
        job = self.choices[0].job
        cached = max(job.cached, 0)
        produced = sum(choice.produced for choice in self.choices)
        first = self._first if self._first is not None else time.perf_counter()
        began = self._began if self._began is not None else first
        return Done(
            Usage(job.prompt, cached, produced),
            Timings(
                prompt_n=job.prompt - cached,
                prompt_ms=(first - began) * 1000,
                predicted_n=produced,
                predicted_ms=max(self._last - first, 0.0) * 1000,
                cache_n=cached,
                draft_n=sum(choice.guessed for choice in self.choices),
                draft_n_accepted=sum(choice.came_true for choice in self.choices),
                cache_n_approximate=job.approximate,
            ),
            job.sequence,
        )
