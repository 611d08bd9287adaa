"""A loop over a random F32 model, in this process, with guesses from wherever a test wants them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samovar.core.engine import Engine, LoadSpec, Setting
from samovar.core.events import Delta, Done, Event, Failed, TokenDetail
from samovar.core.requests import GenerateRequest
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.registry import open_engine
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.jobs import Guesses, Job
from samovar.runtime.loop import GenerationLoop
from samovar.runtime.speculation import Guesser
from tests.support.tiny_llama import TinyLlama

WINDOW = 512
TIE = 2e-3
"""A lead that is none: `mainline` differs from itself by 6e-4 between batches of one token and of several."""


class Told:
    """A `Guesser` that guesses what it is told; a job by its text so far, answer and prompt."""

    def __init__(self, say: Callable[[Job], Sequence[int]]) -> None:
        self._say = say

    def guesses(self, rooms: Mapping[Job, int]) -> Guesses:
        return {job: list(self._say(job))[: max(room, 0)] for job, room in rooms.items()}

    def took(self, streams: int, rows: int, seconds: float, whole: float) -> None:
        assert rows >= streams
        assert 0 <= seconds <= whole

    def came(self, job: Job, drawn: Sequence[int]) -> None:
        pass


@dataclass
class Answer:
    """What came of one request."""

    events: list[Event] = field(default_factory=list)

    def tokens(self, index: int = 0) -> list[TokenDetail]:
        return [t for e in self.events if isinstance(e, Delta) and e.index == index for t in e.tokens]

    def ids(self, index: int = 0) -> list[int]:
        return [token.id for token in self.tokens(index)]

    def text(self, index: int = 0) -> str:
        return "".join(e.text for e in self.events if isinstance(e, Delta) and e.index == index)

    @property
    def done(self) -> Done:
        last = self.events[-1]
        assert isinstance(last, Done), last
        return last


def answers(engine: Engine, requests: Sequence[GenerateRequest], guesser: Guesser | None = None) -> list[Answer]:
    """The answers to `requests`, asked at the same time, of an engine whose cache is empty before and after."""
    found = {request.id: Answer() for request in requests}

    def hear(frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        assert not isinstance(frame.event, Failed), frame.event
        found[frame.id].events.append(frame.event)

    loop = GenerationLoop(engine, hear, speculation=guesser)
    for request in requests:
        loop.handle(Generate(request))
    while not loop.idle:
        loop.step()
    slots = loop.scheduler.slots
    used = set[int]().union(*(slot.cells for slot in slots))
    assert loop.scheduler.caches.cells.free + len(used) == engine.info.cells, "no cell leaks"
    for sequence in range(engine.info.parallel):
        engine.remove(sequence, 0)
    return list(found.values())


def open_tiny(build: str, path: Path, window: int = WINDOW) -> Engine:
    spec = LoadSpec(
        engine="llama",
        path=str(path),
        window=window,
        cells=4 * window,
        parallel=4,
        threads=1,
        settings=(Setting(build, 512, flash=False),),
        trusted=0,
    )
    return open_engine(spec, lambda _: True)


def same_but_for_ties(found: Answer, expected: Answer) -> bool:
    """Whether two greedy answers, asked with `logprobs=2`, are the same up to where two tokens are equally good."""
    differs = next(
        (i for i, pair in enumerate(zip(found.ids(), expected.ids(), strict=False)) if len(set(pair)) > 1), None
    )
    if differs is None:
        return found.ids() == expected.ids()
    first, second = expected.tokens()[differs].top
    return first.logprob - second.logprob < TIE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama(seed=5).write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module", params=list(PACKAGES))
def engine(request: pytest.FixtureRequest, model: Path) -> Iterator[Engine]:
    yield from opened(request.param, model)


@pytest.fixture(scope="module")
def exact(model: Path) -> Iterator[Engine]:
    """The build that gives the same bits in batches of any size below 32."""
    yield from opened("ik", model)


def opened(build: str, model: Path) -> Iterator[Engine]:
    if not importlib.util.find_spec(PACKAGES[build][0]):
        pytest.skip(f"the {build} build of libllama is not installed")
    engine = open_tiny(build, model)
    yield engine
    engine.close()
