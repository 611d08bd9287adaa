"""Chats over a real store and a model that a test speaks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samovar.core.parameters import SamplingParams
from samovar.services.chats import ChatService
from samovar.store.database import Database

from .scripted import ScriptedAnswers, ScriptedIdle, Speech, Tab


@dataclass
class Time:
    """A clock that a test sets, and pauses that a test ends."""

    now: float = 100.0
    _pauses: list[asyncio.Event] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def pause(self, _: float) -> None:
        over = asyncio.Event()
        self._pauses.append(over)
        await over.wait()

    def tick(self) -> None:
        """Ends all pauses."""
        while self._pauses:
            self._pauses.pop().set()


@dataclass
class House:
    """One service, and what a test needs around it."""

    chats: ChatService
    answers: ScriptedAnswers
    database: Database
    time: Time
    idle: ScriptedIdle
    tabs: list[Tab] = field(default_factory=list)
    usual: SamplingParams | None = None
    """What the model's own preset sets."""

    async def new(self, system: str = "") -> str:
        return (await self.chats.create(system=system)).conversation.id

    async def tab(self, conversation: str) -> Tab:
        """A tab that has seen the whole."""
        tab = Tab(self.chats.watch(conversation))
        self.tabs.append(tab)
        await tab.step()
        return tab

    async def ask(self, conversation: str, content: str, parent: str | None = None) -> tuple[str, Speech]:
        """Sends, and returns the answer's id and the model's side of it."""
        asked = await self.chats.send(conversation, parent, content)
        return asked.answer.id, await self.answers.speech()

    async def answered(self, conversation: str, content: str, answer: str, parent: str | None = None) -> str:
        """A question and its finished answer; returns the answer's id."""
        tab = await self.tab(conversation)
        id, speech = await self.ask(conversation, content, parent)
        speech.say(answer)
        speech.end()
        await tab.until_ended(id)
        return id


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database.open(tmp_path / "samovar.db")
    time, answers, idle = Time(), ScriptedAnswers(), ScriptedIdle()

    async def usual() -> SamplingParams | None:
        return house.usual

    chats = await ChatService.open(database, answers, idle, usual=usual, clock=time.clock, pause=time.pause)
    house = House(chats, answers, database, time, idle)
    yield house
    time.tick()
    for tab in house.tabs:
        await tab.close()
    await chats.close()
    await database.close()
