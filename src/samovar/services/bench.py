"""Measures a model as it is served here: the speeds, and how long the first token of an answer takes when nothing,
or everything, of its prompt is cached. Goes through the worker and its caches as any request does."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from samovar.core.engine import EngineInfo
from samovar.core.errors import revive
from samovar.core.events import Delta, Done, Failed, Timings
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion
from samovar.core.settings import Settings
from samovar.engines.llama.bandwidth import memory_bandwidth
from samovar.formats.gguf import read_header
from samovar.formats.traffic import bytes_per_token
from samovar.services.house import Engines, open_engines
from samovar.services.loading import ECHO, LoadPlanner

PROMPT, ANSWER, REPEATS = 512, 128, 3
"""Tokens of the prompt and of the answer, and fresh prompts: speeds are medians over them."""
ORDINARY = 100
"""From this token id on, vocabularies have text."""

Stage = Callable[[str], None]


class FirstToken(msgspec.Struct, frozen=True):
    """Seconds from the request to the first token; `load` of them went before, to the model; `cached` tokens of the
    prompt were found."""

    seconds: float
    cached: int
    load: float = 0.0


class Memory(msgspec.Struct, frozen=True):
    """`bandwidth`: bytes a second; `per_token`: bytes of weights read for a token; `share`: of the bandwidth that
    drawing tokens one by one uses."""

    bandwidth: float
    per_token: int
    share: float


class BenchReport(msgspec.Struct, frozen=True, kw_only=True):
    """Speeds in tokens a second. `switched`: after the model was unloaded and loaded again; `restarted`: after all
    of Samovar was. `memory`: None for a model without weights."""

    model: str
    info: EngineInfo
    prompt_tokens: int
    prompt: float
    decode: float
    memory: Memory | None
    cold: FirstToken
    cached: FirstToken
    switched: FirstToken
    restarted: FirstToken


async def bench(settings: Settings, stage: Stage) -> BenchReport:
    """Measures `settings.model`, else the default model. `stage` is told the catalogue key of what comes next.
    Raises what loading and asking raise."""
    async with open_engines(settings) as house:
        stage("bench.loading")
        info = await house.models.load(settings.model)
        model = house.models.state.name or ""
        stage("bench.speeds")
        prompts = [_prompt(info) for _ in range(REPEATS)]
        colds = [await _ask(house, prompt, ANSWER) for prompt in prompts]
        stage("bench.caches")
        prompt = prompts[-1]
        cached, _ = await _ask(house, prompt, 1)
        switched = await _after_loading(house, settings.model, prompt)
    async with open_engines(settings) as house:
        restarted = await _after_loading(house, settings.model, prompt)
    timings = [timings for _, timings in colds]
    decode = _rate([(t.predicted_n - 1, t.predicted_ms) for t in timings])
    return BenchReport(
        model=model,
        info=info,
        prompt_tokens=len(prompt),
        prompt=_rate([(t.prompt_n, t.prompt_ms) for t in timings]),
        decode=decode,
        memory=_memory(LoadPlanner(settings), info.threads, decode),
        cold=sorted((first for first, _ in colds), key=lambda first: first.seconds)[REPEATS // 2],
        cached=cached,
        switched=switched,
        restarted=restarted,
    )


async def _after_loading(house: Engines, model: str | None, prompt: tuple[int, ...]) -> FirstToken:
    """The model is loaded afresh, as a switch to it from another one does."""
    await house.models.unload()
    began = time.perf_counter()
    await house.models.load(model)
    load = time.perf_counter() - began
    first, _ = await _ask(house, prompt, 1)
    return FirstToken(first.seconds + load, first.cached, load)


async def _ask(house: Engines, prompt: tuple[int, ...], tokens: int) -> tuple[FirstToken, Timings]:
    sampling = SamplingParams({"temperature": 0.0, "ban_eos_token": True})
    began = time.perf_counter()
    stream = await house.answers.start(Completion(prompt=prompt, max_tokens=tokens, sampling=sampling))
    first: float | None = None
    done: Done | None = None
    async for event in stream:
        if isinstance(event, Failed):
            raise revive(event.error)
        if isinstance(event, Delta) and first is None:
            first = time.perf_counter() - began
        if isinstance(event, Done):
            done = event
    assert done is not None
    return FirstToken(first or time.perf_counter() - began, done.usage.cached_tokens), done.timings


def _prompt(info: EngineInfo) -> tuple[int, ...]:
    """Random tokens that no cache has seen, of a length that leaves room for the answer."""
    length = max(1, min(PROMPT, info.window - ANSWER - 1, info.window // 2))
    lowest = min(ORDINARY, info.vocab_size // 2)
    ordinary = [token for token in range(lowest, info.vocab_size) if token not in info.end_tokens]
    return tuple(random.choices(ordinary, k=length))


def _rate(counted: list[tuple[int, float]]) -> float:
    """The median of tokens a second, from tokens and milliseconds."""
    return statistics.median(count / max(taken / 1000, 1e-9) for count, taken in counted)


def _memory(planner: LoadPlanner, threads: int, decode: float) -> Memory | None:
    found = planner.find(planner.default())
    if found.architecture == ECHO:
        return None
    per_token = bytes_per_token(read_header(Path(found.path)))
    bandwidth = memory_bandwidth(threads)
    return Memory(bandwidth, per_token, decode * per_token / bandwidth)
