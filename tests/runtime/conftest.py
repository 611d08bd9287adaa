"""Real worker processes with the echo engine, and loops over libllama in this process."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samovar.core.engine import LoadSpec, Setting
from samovar.core.events import Delta, Event, Failed, Finish
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime.loop import GenerationLoop
from samovar.runtime.stream import Stream
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.tally import Tally
from samovar.runtime.trust import Verdict
from tests.runtime.loops import OpenLoop, make_loop


@dataclass
class House:
    """A supervisor and what it told its owner."""

    supervisor: Supervisor
    verdicts: list[Verdict] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    async def ask(self, text: str, **changes: object) -> Stream:
        worker = await self.supervisor.worker()
        return await worker.generate(chat(text, **changes))


OpenHouse = Callable[..., House]


def chat(text: str, **changes: object) -> GenerateRequest:
    """A chat with one user message, which the echo engine says back."""
    parts = (
        Part("<|im_start|>user\n", special=True),
        Part(text, special=False),
        Part("<|im_end|>\n<|im_start|>assistant\n", special=True),
    )
    return GenerateRequest(id="", parts=parts, **changes)  # type: ignore[arg-type]


@dataclass
class Told:
    """A stream read to its end."""

    events: list[Event]

    def text(self, index: int = 0) -> str:
        return "".join(e.text for e in self.events if isinstance(e, Delta) and e.index == index)

    @property
    def finishes(self) -> dict[int, Finish]:
        return {e.index: e for e in self.events if isinstance(e, Finish)}

    @property
    def failure(self) -> Failed | None:
        last = self.events[-1]
        return last if isinstance(last, Failed) else None


async def told(stream: Stream) -> Told:
    return Told([event async for event in stream])


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    houses: list[House] = []

    def make(
        path: str = "echo", settings: tuple[Setting, ...] = (), verdict: Verdict | None = None, **spec: float
    ) -> House:
        sizes = {"window": 256, "cells": 1024, "parallel": 4} | spec
        house = House.__new__(House)
        load = LoadSpec(engine="echo", path=path, settings=settings, **sizes)
        verdicts: list[Verdict] = []
        progress: list[float] = []

        async def remember(kept: Verdict) -> None:
            verdicts.append(kept)

        hooks = Hooks(progress.append, remember)
        supervisor = Supervisor(load, verdict or Verdict(), tmp_path / "worker.log", hooks)
        house = House(supervisor, verdicts, progress, hooks.tally)
        houses.append(house)
        return house

    yield make
    for house in houses:
        await house.supervisor.close()


@pytest.fixture
def open_loop() -> Iterator[OpenLoop]:
    loops: list[GenerationLoop] = []

    def make(build: str, path: Path, heard: list[Event], *, reuse_shifted: bool = False) -> GenerationLoop:
        loops.append(make_loop(build, path, heard, reuse_shifted=reuse_shifted))
        return loops[-1]

    yield make
    for loop in loops:
        loop.engine.close()
