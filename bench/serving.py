"""How much of the engine's speed reaches a client: the server against the bare `llama_decode` loop, in one run.

    python bench/serving.py [--build ik|mainline] [--rounds 7] [--model FILE]

Prints a table for docs/benchmarks.md. Rounds of both alternate, so that a change of the machine's mood hits both;
figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
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
LEAST = 16
"""Tokens of an answer that says how fast tokens come."""
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


async def stream(
    port: int, fresh: int, prompt: int, tokens: int, sampling: dict[str, float]
) -> tuple[float, float]:
    """Seconds from the request of one raw HTTP stream to its first token, and from there for each further one: the
    first comes alone and the last at once, others may come together. `fresh` makes the prompt one that no cache
    holds; its repetition keeps the model from ending the text. Raises RuntimeError where it ends at once."""
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
    if produced < min(tokens, LEAST):
        raise RuntimeError(f"{produced} of {tokens} tokens")
    return times[0], (times[-1] - times[0]) / max(produced - 1, 1)


class Server:
    """Rounds over HTTP."""

    def __init__(self, served: Served) -> None:
        self._port = served.port
        self._fresh = STREAMS

    def first_token(self) -> float:
        self._fresh += 1
        return asyncio.run(stream(self._port, self._fresh, PROMPT, 1, GREEDY))[0]

    def decode(self, streams: int, sampling: dict[str, float]) -> float:
        """Seconds for one step of all streams, which are as long and begin together."""

        async def run() -> list[tuple[float, float]]:
            return await asyncio.gather(*(stream(self._port, i, DEPTH, STEPS, sampling) for i in range(streams)))

        return statistics.mean(step for _, step in asyncio.run(run()))


def alternate(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Medians of measures that take turns, after one turn that does not count."""
    for measure in measures:
        measure()
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


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
    for name, streams, sampling in (
        ("decode, 1 stream, greedy", 1, GREEDY),
        ("decode, 1 stream, default samplers", 1, {}),
        (f"decode, {STREAMS} streams, greedy", STREAMS, GREEDY),
    ):
        measures = partial(bare.decode, streams, DEPTH, STEPS), partial(server.decode, streams, sampling)
        alone, http = alternate(rounds, *measures)
        alone /= STEPS
        yield name, f"{streams / alone:.1f} t/s", f"{streams / http:.1f} t/s", f"{alone / http:.3f} ×"
    plain, full = alternate(rounds, partial(server.decode, 1, GREEDY), partial(server.decode, 1, FULL))
    yield "full chain against greedy, over HTTP", "", f"{1 / full:.1f} t/s", f"{plain / full:.3f} ×"
    yield "front, idle", "", f"{share:.1f} % CPU, {memory:.0f} MB", ""


def first_token_row(pair: Pair, rounds: int) -> Row:
    """With one sequence on both sides: with more, what the others hold is kept together by the server alone."""
    alone, http = alternate(rounds, partial(pair.bare.prefill, PROMPT), Server(pair.served).first_token)
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
