"""What is left of the decode speed while another process keeps one core busy.

    python bench/busy.py [--model FILE] [--library auto|ik|mainline] [--rounds 5] [--tokens 300]

The model is computed as the product does for one chat, in three ways that take turns in every round: threads that
follow what is left of the cores (the product's), all threads, one thread; each quiet and beside a process that only
counts. Changing over is part of what is measured. Prints a table for docs/benchmarks.md; figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent.parent))

from samovar.core.engine import Batch, Engine
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.engines.registry import open_engine
from samovar.hub.starter import starter_file
from samovar.runtime.pacer import Pacer
from samovar.services.loading import LoadPlanner

DEPTH = 64
Decode = Callable[[Batch], object]


@contextmanager
def one_busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.2)
        yield
    finally:
        process.kill()
        process.wait()


def open_model(model: str, library: str) -> Engine:
    home = Home(Path(tempfile.gettempdir()) / "samovar-bench")
    chosen = Settings(home=home, model=model, ctx=2048, parallel=1, library=library)  # type: ignore[arg-type]
    planner = LoadPlanner(chosen)
    return open_engine(replace(planner.plan(planner.find(model)), calibrate=0.0), lambda _: True)


def ways(engine: Engine) -> dict[str, Decode]:
    """The ways to choose threads, by name. The first keeps what it has learnt from one round to the next."""
    pacer = Pacer(engine)

    def fixed(threads: int) -> Decode:
        def decode(batch: Batch) -> object:
            engine.set_threads(threads)
            return engine.decode(batch)

        return decode

    return {
        "threads that follow": lambda batch: pacer.decode(batch, draws=True),
        f"{engine.info.threads} threads": fixed(engine.info.threads),
        "1 thread": fixed(1),
    }


def rate(engine: Engine, decode: Decode, tokens: int) -> float:
    """Tokens a second of one stream."""
    engine.remove(0, 0)
    engine.set_threads(engine.info.threads)
    engine.decode(Batch([1000 + i for i in range(DEPTH)], list(range(DEPTH)), [0] * DEPTH, [False] * DEPTH))
    began = time.perf_counter()
    for position in range(DEPTH, DEPTH + tokens):
        decode(Batch([1000 + position], [position], [0], [True]))
    return tokens / (time.perf_counter() - began)


def others_since(before: float, began: float) -> float:
    """Cores that all processes but this one used."""
    return (busy_seconds() - before) / (time.perf_counter() - began)


def busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait) - time.process_time()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", default=str(starter_file()))
    options.add_argument("--library", choices=("auto", "ik", "mainline"), default="auto")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--tokens", type=int, default=300)
    chosen = options.parse_args()
    engine = open_model(chosen.model, chosen.library)
    quiet: dict[str, list[float]] = {name: [] for name in ways(engine)}
    busy: dict[str, list[float]] = {name: [] for name in quiet}
    strangers = []
    decoders = ways(engine)
    order = list(decoders)
    for _ in range(chosen.rounds):
        before, began = busy_seconds(), time.perf_counter()
        for name in order:
            quiet[name].append(rate(engine, decoders[name], chosen.tokens))
        strangers.append(others_since(before, began))
        with one_busy_process():
            for name in order:
                busy[name].append(rate(engine, decoders[name], chosen.tokens))
        order = [*order[1:], order[0]]
    report(engine, quiet, busy, strangers)


def report(
    engine: Engine, quiet: dict[str, list[float]], busy: dict[str, list[float]], strangers: list[float]
) -> None:
    print(f"{engine.info.description}; {engine.info.setting}; {psutil.cpu_count()} cores")
    print(f"other work on the machine while it was to be quiet: {statistics.median(strangers):.2f} cores\n")
    print("| | quiet | one busy process | ratio |\n|---|---|---|---|")
    best = max(statistics.median(rates) for rates in quiet.values())
    for name in quiet:
        alone, beside = statistics.median(quiet[name]), statistics.median(busy[name])
        print(f"| {name} | {alone:.1f} t/s | {beside:.1f} t/s | {beside / best:.2f} × |")


if __name__ == "__main__":
    main()
