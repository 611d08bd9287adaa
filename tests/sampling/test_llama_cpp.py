"""The steps agree with llama.cpp's own samplers: the same tokens survive, with the same probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from samovar.core.parameters import Number
from samovar.sampling import steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment

llama = pytest.importorskip("llama_cpp.llama_cpp", reason="agreement with llama.cpp needs llama-cpp-python")

SIZE = 400
HISTORY = [*range(0, 90, 3), 1, 1, 2]

SAMPLERS: dict[str, tuple[dict[str, Number], Callable[[], Any]]] = {
    "top_k": ({"top_k": 40}, lambda: llama.llama_sampler_init_top_k(40)),
    "top_k of one": ({"top_k": 1}, lambda: llama.llama_sampler_init_top_k(1)),
    "top_p": ({"top_p": 0.9}, lambda: llama.llama_sampler_init_top_p(0.9, 1)),
    "top_p of almost all": ({"top_p": 0.999}, lambda: llama.llama_sampler_init_top_p(0.999, 1)),
    "min_p": ({"min_p": 0.05}, lambda: llama.llama_sampler_init_min_p(0.05, 1)),
    "temperature": ({"temperature": 0.8}, lambda: llama.llama_sampler_init_temp(0.8)),
    "temperature above one": ({"temperature": 1.7}, lambda: llama.llama_sampler_init_temp(1.7)),
    "temperature of zero": ({"temperature": 0.0}, lambda: llama.llama_sampler_init_temp(0.0)),
    "repetition_penalty": (
        {"repetition_penalty": 1.3, "repetition_penalty_range": 16},
        lambda: llama.llama_sampler_init_penalties(SIZE, 16, 1.3, 0.0, 0.0),
    ),
}


def distributions(count: int) -> list[np.ndarray]:
    """Flat ones and steep ones, and some with tokens that are impossible."""
    random = np.random.default_rng(1)
    rows = [(random.standard_normal(SIZE) * random.uniform(0.2, 8)).astype(np.float32) for _ in range(count)]
    for row in rows[::5]:
        row[random.random(SIZE) < 0.3] = -np.inf
    return rows


def normal(logits: dict[int, float]) -> dict[int, float]:
    """Probabilities of the tokens that are possible."""
    top = max(logits.values())
    weights = {token: float(np.exp(logit - top)) for token, logit in logits.items() if logit > -np.inf}
    total = sum(weights.values())
    return {token: weight / total for token, weight in weights.items()}


def theirs(sampler: Any, logits: np.ndarray) -> dict[int, float]:
    data = (llama.llama_token_data * SIZE)(*((token, float(logit), 0.0) for token, logit in enumerate(logits)))
    array = llama.llama_token_data_array(data=data, size=SIZE, selected=-1, sorted=False)
    llama.llama_sampler_apply(sampler, array)
    return normal({array.data[i].id: array.data[i].logit for i in range(array.size)})


def ours(values: dict[str, Number], logits: np.ndarray) -> dict[int, float]:
    left = steps()[next(iter(values))].apply(Candidates(logits), {**defaults(), **values}, Moment(HISTORY))
    return normal({left.token(i): float(left.logits[i]) for i in range(len(left))})


def is_on_edge(values: dict[str, Number], logits: np.ndarray) -> bool:
    """Whether the float32 rounding of llama.cpp's running sum decides where top-p cuts."""
    sums = np.cumsum(sorted(normal(dict(enumerate(logits))).values(), reverse=True))
    return "top_p" in values and float(np.abs(sums - values["top_p"]).min()) < 1e-6


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_tokens_survive_with_the_same_probabilities(name: str) -> None:
    values, make = SAMPLERS[name]
    sampler = make()
    try:
        for token in HISTORY:
            llama.llama_sampler_accept(sampler, token)
        clear = [logits for logits in distributions(300) if not is_on_edge(values, logits)]
        assert len(clear) > 250
        for logits in clear:
            assert ours(values, logits) == pytest.approx(theirs(sampler, logits), abs=1e-5)
    finally:
        llama.llama_sampler_free(sampler)
