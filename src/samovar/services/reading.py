"""A worker's stream with its thoughts and tool calls told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator

from samovar.core.engine import EngineInfo, Note
from samovar.core.events import Accepted, Event
from samovar.core.requests import Completion
from samovar.prompts.manner import Plan, manner_of, plan_of
from samovar.prompts.reader import AnswerReader
from samovar.prompts.template import Rendered
from samovar.services.contracts import Generation
from samovar.services.rendering import template_of


def planned(completion: Completion, info: EngineInfo, prompt: Rendered) -> Plan:
    """How the answer to `prompt` is to be asked for and read. Raises InvalidInput as `plan_of` does."""
    return plan_of(completion, manner_of(template_of(completion, info) or ""), prompt.text)


def read(generation: Generation, plan: Plan) -> Generation:
    """`generation` with its thoughts and calls as events of their own."""
    return ReadGeneration(generation, AnswerReader(plan.reading, live=plan.live))


class ReadGeneration:
    """A services.contracts.Generation over another one, read by `reader`."""

    def __init__(self, generation: Generation, reader: AnswerReader) -> None:
        self._generation = generation
        self._reader = reader

    @property
    def model(self) -> str:
        return self._generation.model

    @property
    def accepted(self) -> Accepted:
        return self._generation.accepted

    @property
    def notes(self) -> tuple[Note, ...]:
        return self._generation.notes

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            async for event in self._generation:
                for read in self._reader.read(event):
                    yield read
        finally:
            await self._generation.cancel()

    async def cancel(self) -> None:
        await self._generation.cancel()
