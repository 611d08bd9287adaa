"""What the scheduler speaks of: jobs, the steps it plans for them, and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from samovar.runtime.cells import Slot
from samovar.runtime.counts import Tier
from samovar.runtime.inserting import Moved
from samovar.runtime.shelf import Found


@dataclass(eq=False)
class Job:
    """One choice of one request. `tokens` is the prompt and what was generated; the last one is never computed
    before a draw needs the logits after it. `cached`: tokens of the prompt that were held anywhere, −1 before it is
    known, `tier`: where; `approximate` of them are not exact (`Slot.exact`). `sequence`: the one it had last.
    `moved`: what is on its way to it (`inserting`).

    `shadow`: the same choice after a negative prompt; `leader`: whose shadow this is. `borrows`: tokens that a
    shadow waits for its leader to compute, before it copies them. `warm`: its prompt is read in idle time, for a
    request that may come. `scores`: the logits after each token of its prompt are wanted, and are there for the
    first `scored` of them. `mute`: nothing is drawn after its prompt, which may therefore fill the window.
    """

    request: str
    index: int
    tokens: list[int]
    prompt: int
    tenant: str = ""
    session: str = ""
    after: Job | None = None
    shadow: Job | None = None
    leader: Job | None = None
    borrows: int = 0
    warm: bool = False
    scores: bool = False
    scored: int = 0
    mute: bool = False
    slot: Slot | None = None
    moved: Moved | None = None
    cached: int = -1
    tier: Tier | None = None
    approximate: int = 0
    sequence: int = -1
    admitted: int = 0

    @property
    def computed(self) -> int:
        return len(self.slot.tokens) if self.slot else 0

    @property
    def restoring(self) -> bool:
        return self.slot is not None and self.slot.restoring

    @property
    def scoring(self) -> bool:
        """Whether its prompt must be computed for its logits, which no cache has."""
        return self.scores and self.scored < self.prompt

    @property
    def missing(self) -> int:
        """Tokens still to be computed before the next draw; 0 where the logits after the last one are kept."""
        return len(self.tokens) - self.computed - (self.moved.count if self.moved else 0)

    @property
    def done(self) -> int:
        """Tokens of the prompt that need not be computed any more."""
        return min(len(self.tokens) - self.missing, self.prompt)

    @property
    def stretch(self) -> int:
        """Tokens of the prompt that can be computed before something else comes: all, or up to what was moved."""
        return self.moved.pieces[0].start - self.computed if self.moved else self.missing

    @property
    def pair(self) -> list[Job]:
        """This job with its shadow, or the shadow's leader with it: what is admitted and given up together."""
        first = self.leader or self
        return [first, first.shadow] if first.shadow else [first]

    @property
    def ready(self) -> bool:
        """Whether at most the token before the next draw is missing."""
        return self.missing <= 1 and not self.borrows and not self.restoring and not self.moved

    @property
    def reads_prompt(self) -> bool:
        return self.missing > 1 or self.computed < self.prompt


Guesses = Mapping[Job, Sequence[int]]
"""What may come next, by job."""
NO_GUESSES: Guesses = MappingProxyType({})


@dataclass(frozen=True)
class Remove:
    """The sequence forgets its positions [start, end), end None: from `start` on."""

    sequence: int
    start: int
    end: int | None = None


@dataclass(frozen=True)
class Copy:
    """Positions [start, end) of `source` also belong to `target`, which ends at `start`."""

    source: int
    target: int
    end: int
    start: int = 0


@dataclass(frozen=True)
class Shift:
    """Positions [start, end) of the sequence move by `by`, to where there are none."""

    sequence: int
    start: int
    end: int
    by: int


@dataclass(frozen=True)
class Save:
    """What the sequence holds goes to the shelf, before it is lost."""

    sequence: int
    tokens: tuple[int, ...]
    tenant: str
    session: str


@dataclass(frozen=True)
class Restore:
    """The empty sequence of `job` is filled with what was found on the shelf, and cut to `found.shared` positions.
    `Scheduler.restored` is then told whether that worked."""

    job: Job
    sequence: int
    found: Found


Operation = Remove | Copy | Shift | Save | Restore


@dataclass(slots=True)
class Work:
    """`count` tokens of `job` from position `start`; `wanted`: a token is drawn after the last one. Without any, it
    is drawn from the logits that were kept. `guesses` are computed behind them, and a token is drawn after each.
    `every`: the logits after each of the tokens are wanted."""

    job: Job
    sequence: int
    start: int
    count: int
    wanted: bool
    guesses: list[int] = field(default_factory=list)
    every: bool = False

    @property
    def rows(self) -> int:
        """Rows of logits that the batch gives for it."""
        if self.every:
            return self.count
        return 1 + len(self.guesses) if self.wanted and self.count else 0


@dataclass(slots=True)
class Plan:
    """One step: cache operations in order, then one batch."""

    ops: list[Operation] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)

    @property
    def draws(self) -> bool:
        """Whether it computes the newest tokens of streams, and nothing of prompts but their last token."""
        return all(work.start >= work.job.prompt - 1 for work in self.work)


@dataclass(frozen=True)
class Limits:
    """`window`: tokens of one request; `chunk`: prompt tokens of a step when nothing streams; `busy_chunk`: when
    something does; `queue`: requests that may wait. `worth`: tokens from which a cache is worth the milliseconds
    that it takes to save or to restore it; `probe`: tokens after a gap that must be alike
    before what follows is moved. `rows`: of logits of a prompt in one step. `apart`: each sequence has a window of
    cells of its own, and what is idle slows nobody. `reuse_shifted`: what follows inserted text is moved too, which
    is approximate.
    """

    window: int
    cells: int
    sequences: int
    chunk: int = 512
    busy_chunk: int = 64
    queue: int = 64
    worth: int = 32
    probe: int = 64
    rows: int = 64
    can_copy: bool = True
    can_remove_tail: bool = True
    can_shift: bool = False
    apart: bool = False
    reuse_shifted: bool = False
