"""Answers that are under way and can be asked after, or stopped, by another request than their own.

KoboldAI's clients name an answer by a key of their own choice (or by none), text-generation-webui's stop all of
them. A caller sees its own tenant's only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from samovar.core.events import Delta, Event
from samovar.services.contracts import Generation


@dataclass(eq=False)
class Run:
    """One answer under way, and what its first choice has said so far. `wire`: what writes it, where it streams."""

    tenant: str
    key: str
    generation: Generation
    wire: object = None
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def note(self, event: Event) -> None:
        if isinstance(event, Delta) and event.index == 0:
            self.pieces.append(event.text)


class Running:
    """All of them, in the order in which they began."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    @contextmanager
    def following(self, run: Run) -> Iterator[Run]:
        self._runs.append(run)
        try:
            yield run
        finally:
            self._runs.remove(run)

    def of(self, tenant: str, key: str | None = None) -> list[Run]:
        """The tenant's answers, or those of them that go by `key`."""
        return [run for run in self._runs if run.tenant == tenant and key in (None, run.key)]

    async def stop(self, tenant: str, key: str | None = None) -> int:
        """How many were stopped."""
        runs = self.of(tenant, key)
        for run in runs:
            await run.generation.cancel()
        return len(runs)
