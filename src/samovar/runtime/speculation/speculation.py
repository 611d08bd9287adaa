"""Guesses for the streams of one engine: for whom at all, and what a step costs here.

Told how long steps took and what was drawn. Knows neither logits nor the scheduler's queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from samovar.core.engine import Speculate
from samovar.runtime.jobs import NO_GUESSES, Guesses, Job
from samovar.runtime.speculation.ahead import Ahead
from samovar.runtime.speculation.draft import DraftModel
from samovar.runtime.speculation.lookup import Lookup
from samovar.runtime.speculation.pays import Costs

MOST = 30
"""Guesses for one stream in one step. With its last token fewer than 32: other kernels compute larger batches, and
round otherwise."""
STREAMS = 2
"""With more streams than these a step has company enough, and guesses would only slow the others."""


class Guesser(Protocol):
    """What the generation loop asks for guesses and tells what came of them."""

    def guesses(self, rooms: Mapping[Job, int]) -> Guesses:
        """What to verify in the next step for its streams: the keys of `rooms`, each of which has room for so many
        guesses."""
        ...

    def took(self, streams: int, rows: int, seconds: float, whole: float) -> None:
        """A step that drew for `streams` streams and did nothing else verified `rows` rows in so many `seconds`;
        `whole`: with the time that it took to guess."""
        ...

    def came(self, job: Job, drawn: Sequence[int]) -> None:
        """`drawn` followed in the step that was told last."""
        ...


class Speculation:
    """A `Guesser`: see the module's first lines. `most`: guesses that a step may verify for one stream; 0: none."""

    def __init__(self, mode: Speculate = "auto", draft: DraftModel | None = None, most: int = MOST) -> None:
        self._looks_up = mode in ("auto", "lookup")
        self._draft = draft if mode in ("auto", "draft") else None
        self._most = min(most, MOST) if self._looks_up or self._draft else 0
        self._costs = Costs()
        self._steps = 1.0
        self._texts: WeakKeyDictionary[Job, Ahead] = WeakKeyDictionary()

    @property
    def active(self) -> bool:
        """Whether it will ever guess."""
        return self._most > 0

    def guesses(self, rooms: Mapping[Job, int]) -> Guesses:
        if not self._most or not 0 < len(rooms) <= STREAMS:
            return NO_GUESSES
        most = {job: min(self._most, room) for job, room in rooms.items()}
        return {job: self._text(job).guess(job.tokens, most[job], len(rooms)) for job in rooms if most[job] > 0}

    def took(self, streams: int, rows: int, seconds: float, whole: float) -> None:
        self._costs.took(rows, seconds)
        self._steps = self._costs.steps(whole) / self._costs.of(streams)

    def came(self, job: Job, drawn: Sequence[int]) -> None:
        if job in self._texts:
            self._texts[job].came(drawn, self._steps)

    def close(self) -> None:
        if self._draft is not None:
            self._draft.close()

    def _text(self, job: Job) -> Ahead:
        if job not in self._texts:
            lookup = Lookup() if self._looks_up else None
            self._texts[job] = Ahead(self._costs, lookup, self._draft)
        return self._texts[job]
