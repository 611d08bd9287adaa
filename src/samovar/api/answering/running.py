"""Answers that are under way, and the last one under each name, for requests that ask after another's answer.

KoboldAI's clients name an answer by a key of their own choice (or by none), text-generation-webui's stop all of
them. A caller sees its own tenant's only.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from samovar.core.events import Delta, Done, Event, Finish, TokenDetail
from samovar.core.requests import Constraint
from samovar.services.contracts import Generation

MOST_KEPT = 32
"""Names whose last answer is kept."""


@dataclass(eq=False)
class Run:
    """One answer, and what its first choice has said so far. `wire`: what writes it, where it streams. `tokens`:
    where log-probabilities were asked for. `constraint`: what it has to look like."""

    tenant: str
    key: str
    generation: Generation
    wire: object = None
    constraint: Constraint | None = None
    pieces: list[str] = field(default_factory=list)
    tokens: list[TokenDetail] = field(default_factory=list)
    finish: Finish | None = None
    done: Done | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def begun(self) -> Constraint | None:
        """Its constraint, to be gone on with behind all that was said of it; None where it came to its end."""
        ended = self.finish is not None and self.finish.reason == "stop" and self.finish.stop is None
        if self.constraint is None or ended:
            return None
        return replace(self.constraint, begun=self.constraint.begun + self.text)

    def note(self, event: Event) -> None:
        if isinstance(event, Delta):
            if event.index == 0:
                self.pieces.append(event.text)
                self.tokens += [token for token in event.tokens if token.logprob is not None]
        elif isinstance(event, Finish) and event.index == 0:
            self.finish = event
        elif isinstance(event, Done):
            self.done = event


class Running:
    """All of them, in the order in which they began. `ended`: how many have; `latest`: the last one that was seen
    to its end."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._kept: OrderedDict[tuple[str, str], Run] = OrderedDict()
        self._quiet = time.monotonic()
        self.ended = 0
        self.latest: Run | None = None

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._runs)

    @contextmanager
    def following(self, run: Run) -> Iterator[Run]:
        self._runs.append(run)
        try:
            yield run
        finally:
            self._runs.remove(run)
            self._end(run)

    def of(self, tenant: str, key: str | None = None) -> list[Run]:
        """The tenant's answers, or those of them that go by `key`."""
        return [run for run in self._runs if run.tenant == tenant and key in (None, run.key)]

    def last(self, tenant: str, key: str) -> Run | None:
        """The answer under `key` that is under way, the newest of several, else the one that ended last."""
        under_way = self.of(tenant, key)
        return under_way[-1] if under_way else self._kept.get((tenant, key))

    def gone_on(self, tenant: str, key: str, constraint: Constraint) -> Constraint:
        """`constraint` from where the last answer under `key` was cut off, if that one had the same."""
        last = self.last(tenant, key)
        begun = last.begun if last else None
        return begun if begun and replace(begun, begun="") == constraint else constraint

    def quiet_for(self) -> float:
        """Seconds since an answer ended."""
        return time.monotonic() - self._quiet

    async def stop(self, tenant: str, key: str | None = None) -> int:
        """How many were stopped."""
        runs = self.of(tenant, key)
        for run in runs:
            await run.generation.cancel()
        return len(runs)

    def _end(self, run: Run) -> None:
        self.ended += 1
        self._quiet = time.monotonic()
        if run.done is not None:
            self.latest = run
        if run.key:
            self._kept[run.tenant, run.key] = run
            self._kept.move_to_end((run.tenant, run.key))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
