"""How much of the engine's speed reaches a client: the server against the bare `llama_decode` loop, in one run.

    python bench/serving.py [--build ik|mainline] [--rounds 7] [--model FILE]

Prints a table for docs/benchmarks.md. Rounds of both alternate, so that a change of the machine's mood hits both;
figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.bare import Bare
from samovar.core.engine import LoadSpec
from samovar.core.home import Home
from samovar.core.settings import Library, Settings
from samovar.engines.llama.builds import installed, names
from samovar.engines.llama.cpu import physical_cores
from samovar.hub.starter import starter_file
from samovar.services.loading import LoadPlanner
from tests.e2e.conftest import Served, start

STREAMS, DEPTH, STEPS, PROMPT, PARALLEL, WINDOW = 8, 64, 128, 500, 8, 2048
GREEDY = {"temperature": 0.0}
FULL = {
    "repetition_penalty": 1.05,
    "repetition_penalty_range": 2048,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "dry_multiplier": 0.8,
    "dry_penalty_last_n": 2048,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.02,
    "xtc_probability": 0.5,
    "temperature": 0.9,
}


class Answer(NamedTuple):
    """Seconds from the request to the first token, from there for each further one, and how many there were."""

    first: float
    step: float
    tokens: int


async def stream(port: int, fresh: int, prompt: int, tokens: int, sampling: dict[str, float]) -> Answer:
    """One raw HTTP stream: the first token comes alone and the last at once, others may come together. `fresh`
    makes the prompt one that no cache holds. Raises RuntimeError where nothing was written."""
    body = json.dumps(
        {"prompt": [2000 + fresh, *([500, 600, 700, 800] * prompt)[: prompt - 1]], "max_tokens": tokens}
        | {"stream": True, "stream_options": {"include_usage": True}}
        | sampling
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    head = "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    began = time.perf_counter()
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    times, produced = [], 0
    while line := await reader.readline():
        if line.startswith(b"data: [DONE]"):
            break
        if line.startswith(b"data: ") and b'"finish_reason":null' in line:
            times.append(time.perf_counter() - began)
        elif b'"completion_tokens":' in line:
            produced = json.loads(line[len(b"data: ") :])["usage"]["completion_tokens"]
    writer.close()
    if not times:
        raise RuntimeError("an answer without a token")
    return Answer(times[0], (times[-1] - times[0]) / max(produced - 1, 1), produced)


class Server:
    """Rounds over HTTP."""

    def __init__(self, served: Served) -> None:
        self._port = served.port
        self._fresh = itertools.count()

    def lasting(self, count: int) -> list[int]:
        """What makes prompts whose greedy answers the model does not end before their last step."""
        prompts = (fresh for fresh in self._fresh if self._answer(fresh, DEPTH, STEPS).tokens == STEPS)
        return list(itertools.islice(prompts, count))

    def first_token(self) -> float:
        return self._answer(next(self._fresh), PROMPT, 1).first

    def _answer(self, fresh: int, prompt: int, tokens: int) -> Answer:
        return asyncio.run(stream(self._port, fresh, prompt, tokens, GREEDY))

    def decode(self, prompts: list[int], sampling: dict[str, float]) -> float:
        """Seconds for one step of all streams, which are as long and begin together."""

        async def run() -> list[Answer]:
            return await asyncio.gather(*(stream(self._port, i, DEPTH, STEPS, sampling) for i in prompts))

        return statistics.mean(answer.step for answer in asyncio.run(run()))


class Compared(NamedTuple):
    """Medians over rounds: of the seconds of both, and of their ratio within a round."""

    first: float
    second: float
    ratio: float


def alternate(rounds: int, *pair: Callable[[], float]) -> Compared:
    """Of two measures that take turns to begin, after one turn that does not count."""
    taken: list[tuple[float, float]] = []
    for turn in range(rounds + 1):
        order = (0, 1) if turn % 2 else (1, 0)
        seconds = {one: pair[one]() for one in order}
        taken.append((seconds[0], seconds[1]))
    counted = taken[1:]
    columns = ([first for first, _ in counted], [second for _, second in counted], [a / b for a, b in counted])
    return Compared(*map(statistics.median, columns))


def idle(served: Served) -> tuple[float, float]:
    """Share of one core (%) and resident memory (MB) of the front over ten seconds without a request."""
    process = psutil.Process(served.process.pid)
    process.cpu_percent()
    return process.cpu_percent(10), process.memory_info().rss / 1e6


Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Pair:
    """The same model behind a server and in a bare loop, with as many sequences and as large a cache."""

    bare: Bare
    served: Served


def streams_rows(pair: Pair, rounds: int) -> Iterator[Row]:
    """What needs as many sequences as there are streams."""
    bare, server = pair.bare, Server(pair.served)
    share, memory = idle(pair.served)
    prompts = server.lasting(STREAMS)
    for name, streams, sampling in (
        ("decode, 1 stream, greedy", 1, GREEDY),
        ("decode, 1 stream, default samplers", 1, {}),
        (f"decode, {STREAMS} streams, greedy", STREAMS, GREEDY),
    ):
        measures = partial(bare.decode, streams, DEPTH, STEPS), partial(server.decode, prompts[:streams], sampling)
        alone, http, ratio = alternate(rounds, *measures)
        yield name, f"{streams / alone:.1f} t/s", f"{streams / http:.1f} t/s", f"{ratio:.3f} ×"
    _, full, ratio = alternate(
        rounds, *(partial(server.decode, prompts[:1], sampling) for sampling in (GREEDY, FULL))
    )
    yield "full chain against greedy, over HTTP", "", f"{1 / full:.1f} t/s", f"{ratio:.3f} ×"
    yield "front, idle", "", f"{share:.1f} % CPU, {memory:.0f} MB", ""


def first_token_row(pair: Pair, rounds: int) -> Row:
    """With one sequence on both sides: with more, what the others hold is kept together by the server alone."""
    alone, http, _ = alternate(rounds, partial(pair.bare.prefill, PROMPT), Server(pair.served).first_token)
    gap = f"{(http - alone) * 1000:+.1f} ms"
    return f"first token, {PROMPT}-token prompt", f"{alone * 1000:.0f} ms", f"{http * 1000:.0f} ms", gap


@contextmanager
def pair(model: str, build: Library, parallel: int) -> Iterator[Pair]:
    threads = physical_cores()
    spec = plan(model, build, parallel)
    arguments = ("--model", model, "--ctx", str(WINDOW), "--parallel", str(parallel), "--library", build)
    with tempfile.TemporaryDirectory() as home:
        served = start(Path(home), *arguments, "--threads", str(threads), "--speculate", "off")
        try:
            yield Pair(Bare(spec, spec.settings[0], threads), served)
        finally:
            served.stop()


def plan(model: str, build: Library, parallel: int) -> LoadSpec:
    """How the product itself would load the model: the bare loop computes it in the same way."""
    home = Home(Path(tempfile.gettempdir()) / "samovar-bench")
    planner = LoadPlanner(Settings(home=home, model=model, ctx=WINDOW, parallel=parallel, library=build))
    return planner.plan(planner.find(model))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", choices=("ik", "mainline"), default="ik")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--model", default=str(starter_file()))
    chosen = options.parse_args()
    print(f"{platform.processor() or platform.machine()}, {physical_cores()} threads; {names(installed())}")
    print(f"{Path(chosen.model).name}; window {WINDOW}, {PARALLEL} sequences; medians of {chosen.rounds}\n")
    print("| workload | bare llama_decode | over HTTP | ratio |\n|---|---|---|---|")
    with pair(chosen.model, chosen.build, PARALLEL) as several:
        for row in streams_rows(several, chosen.rounds):
            print("| " + " | ".join(row) + " |", flush=True)
    with pair(chosen.model, chosen.build, 1) as alone:
        print("| " + " | ".join(first_token_row(alone, chosen.rounds)) + " |")


if __name__ == "__main__":
    main()
