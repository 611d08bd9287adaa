"""Models that keep a running state: their cache cannot be cut, so the end of each question is kept whole."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from samovar.core.engine import LoadSpec, Setting
from samovar.core.events import Delta, Done, Event
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.registry import open_engine
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.kv import open_tiers
from samovar.runtime.loop import GenerationLoop
from samovar.runtime.shelf import TierShelf
from tests.support.tiny_mamba import write_mamba

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("llama_cpp"), reason="the mainline build of libllama is not installed"
)

PROMPT = tuple(10 + i * 7 % 150 for i in range(70))


class Talk:
    """Asks one loop, one question after the other."""

    def __init__(self, path: Path, ram: int) -> None:
        spec = LoadSpec(
            engine="llama",
            path=str(path),
            window=256,
            cells=512,
            parallel=2,
            threads=1,
            settings=(Setting("mainline", 512, flash=False),),
        )
        self._heard: list[Event] = []
        self.engine = open_engine(spec, lambda _: True)
        tiers = open_tiers("", self.engine.info.cache_id, ram=ram, disk=0, cuttable=False)
        self._loop = GenerationLoop(self.engine, self._hear, store=TierShelf(tiers))

    def _hear(self, frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        self._heard.append(frame.event)

    def ask(self, prompt: tuple[int, ...], tokens: int = 12) -> tuple[list[int], int]:
        """The answer, and how many tokens of the prompt were cached."""
        self._heard.clear()
        sampling = SamplingParams({"temperature": 0.0})
        self._loop.handle(Generate(GenerateRequest(id="0", tokens=prompt, sampling=sampling, max_tokens=tokens)))
        while not self._loop.idle:
            self._loop.step()
        done = self._heard[-1]
        assert isinstance(done, Done)
        drawn = [token.id for event in self._heard if isinstance(event, Delta) for token in event.tokens]
        return drawn, done.usage.cached_tokens


@pytest.fixture(scope="module")
def mamba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mamba(tmp_path_factory.mktemp("mamba") / "mamba.gguf")


@pytest.fixture
def talk(mamba: Path) -> Iterator[Talk]:
    talk = Talk(mamba, ram=100_000_000)
    yield talk
    talk.engine.close()


def test_a_swipe_starts_from_the_end_of_the_question(talk: Talk) -> None:
    first, cached = talk.ask(PROMPT)
    assert cached == 0
    assert talk.ask(PROMPT) == (first, len(PROMPT) - 1)


def test_the_next_turn_goes_on_after_the_answer(talk: Talk, mamba: Path) -> None:
    answer, _ = talk.ask(PROMPT)
    longer = (*PROMPT, *answer, 20, 21, 22)
    said, cached = talk.ask(longer)
    assert cached >= len(PROMPT) + len(answer) - 1
    cold = Talk(mamba, ram=0)
    assert cold.ask(longer) == (said, 0)
    cold.engine.close()


def test_another_answer_after_an_edit_starts_from_the_turn_before(talk: Talk) -> None:
    answer, _ = talk.ask(PROMPT)
    second = (*PROMPT, *answer, *range(30, 80))
    talk.ask(second)
    _, cached = talk.ask((*second[:-10], *range(90, 100)))
    assert cached == len(PROMPT) - 1
