"""What is done beside requests, with the model that happens to be loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from samovar.core.requests import Completion, Message
from samovar.services.contracts.answers import Generation, Measured


class Idle(Protocol):
    """What is done beside requests, with the model that happens to be loaded. Nothing here loads one, and nothing
    holds up a request, a switch or an end."""

    async def measure(self, messages: Sequence[Message]) -> Measured | None:
        """As `Answers.measure`; None where no model is ready."""
        ...

    async def warm(self, completion: Completion) -> Generation | None:
        """Reads a prompt into the cache for a request to come. Iterate to see it through, cancel to give it up: it
        is given up by itself for whatever is more urgent. None where no model is ready, or its cache could not be
        cut back to what is asked in the end."""
        ...

    def pin(self, sessions: tuple[str, ...]) -> None:
        """From now on, and for every model that is loaded later, the caches of these sessions are kept while those
        of others are given up."""
        ...

    async def forget(self, session: str) -> None:
        """Removes every cache of the session, from memory and from disk, for all models."""
        ...

    def loads(self) -> AsyncIterator[None]:
        """One item each time that a model is found to have become ready."""
        ...
