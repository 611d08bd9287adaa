"""A worker with libllama and a random F32 model: the text of a seed is its own, whatever the batch around it."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samovar.core.engine import LoadSpec, Setting
from samovar.core.events import Done
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.llama.builds import PACKAGES
from samovar.runtime.process import WorkerProcess
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.trust import Verdict
from tests.runtime.conftest import Told, told
from tests.support.tiny_llama import TinyLlama

HOT = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    TinyLlama(seed=5).write(path)
    return path


@pytest.fixture(params=["ik", "mainline"])
async def worker(request: pytest.FixtureRequest, model: Path, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    build = request.param
    if not importlib.util.find_spec(PACKAGES[build][0]):
        pytest.skip(f"the {build} build of libllama is not installed")

    async def remember(_: Verdict) -> None:
        pass

    supervisor = Supervisor(
        LoadSpec(
            engine="llama",
            path=str(model),
            window=512,
            cells=1024,
            parallel=4,
            settings=(Setting(build, 512, flash=False),),
        ),
        Verdict(),
        tmp_path / "worker.log",
        Hooks(lambda _: None, remember),
    )
    yield await supervisor.worker()
    await supervisor.close()


async def ask(worker: WorkerProcess, prompt: list[int], seed: int, tokens: int = 40) -> Told:
    params = SamplingParams(HOT, seed=seed)
    request = GenerateRequest(id="", tokens=tuple(prompt), sampling=params, max_tokens=tokens)
    return await told(await worker.generate(request))


async def test_the_same_seed_gives_the_same_text_alone_cached_and_in_a_crowd(worker: WorkerProcess) -> None:
    prompt = [5 + i % 200 for i in range(90)]
    alone = await ask(worker, prompt, seed=3)
    cached = await ask(worker, prompt, seed=3)
    others = [ask(worker, [7 + (i * j) % 200 for j in range(40 + 60 * i)], seed=i) for i in range(1, 6)]
    crowded, *_ = await asyncio.gather(ask(worker, prompt, seed=3), *others)
    assert cached.text() == alone.text()
    assert crowded.text() == alone.text()
    assert (await ask(worker, prompt, seed=4)).text() != alone.text()


async def test_more_text_than_cells_is_answered_in_turn(worker: WorkerProcess) -> None:
    """Six requests of 400 tokens over 1024 cells: some wait, some give up their cells, none is lost."""
    stories = await asyncio.gather(*(ask(worker, [9 + i] * 340, seed=i, tokens=60) for i in range(6)))
    for story in stories:
        done = story.events[-1]
        assert isinstance(done, Done)
        assert done.usage.prompt_tokens == 340
        assert done.usage.completion_tokens == 60 or story.finishes[0].reason == "stop"
