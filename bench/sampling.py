"""Microseconds a token of the sampling chain: `python bench/sampling.py`. Medians of several rounds, one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from samovar.core.parameters import Number, SamplingParams
from samovar.sampling import Sampler, parameters, steps

VOCABULARIES = (49_152, 262_144)
ROUNDS, TOKENS = 15, 60
STRONG: dict[str, Number] = {
    "temperature": 0.7,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.05,
    "repetition_penalty": 1.1,
    "repetition_penalty_range": 2048,
}


def neutral() -> dict[str, Number]:
    return {p.name: p.neutral for p in parameters().values()}


def chains() -> dict[str, dict[str, Number]]:
    """What is measured: the chains that people use, then each step alone (with the draw over what it leaves)."""
    alone = {
        f"{step.name} alone": {**neutral(), **{p.name: STRONG[p.name] for p in step.parameters}}
        for step in steps().values()
        if all(p.name in STRONG for p in step.parameters)
    }
    return {"greedy": {"temperature": 0.0}, "default": {}, "all steps": STRONG, "draw alone": neutral(), **alone}


def median_microseconds(work: Callable[[], object]) -> float:
    def once() -> float:
        start = time.perf_counter()
        for _ in range(TOKENS):
            work()
        return (time.perf_counter() - start) / TOKENS * 1e6

    return statistics.median(once() for _ in range(ROUNDS))


def main() -> None:
    random = np.random.default_rng(0)
    history = list(range(4096))
    rows = [(random.standard_normal(size) * 3).astype(np.float32) for size in VOCABULARIES]
    print(f"{'µs per token':32}" + "".join(f"{size:>10}" for size in VOCABULARIES))
    for name, values in chains().items():
        samplers = [Sampler(SamplingParams(values=values, seed=1), size) for size in VOCABULARIES]
        report(
            name, [median_microseconds(partial(s.draw, r, history)) for s, r in zip(samplers, rows, strict=True)]
        )
    samplers = [Sampler(SamplingParams(seed=1), size) for size in VOCABULARIES]
    spied = [median_microseconds(partial(s.logprobs, r, 7, 5)) for s, r in zip(samplers, rows, strict=True)]
    report("logprobs with 5 alternatives", spied)


def report(name: str, times: list[float]) -> None:
    print(f"{name:32}" + "".join(f"{t:10.1f}" for t in times))


if __name__ == "__main__":
    main()
