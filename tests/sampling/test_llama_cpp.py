"""The steps agree with llama.cpp's own samplers: the same tokens survive, with the same probabilities, on a
thousand random and a hundred real distributions. Where we follow somebody else, docs/samplers.md says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from samovar.core.parameters import Value
from samovar.sampling import Lexicon, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment
from tests.sampling.distributions import Distribution, random, real
from tests.sampling.llama_samplers import Theirs, llama

VOCABULARY = 49_152
TOLERANCE = 1e-5
NUDGES = tuple(sign * 10.0**power for power in np.arange(-7.5, -3.9, 0.25) for sign in (-1, 1))


@dataclass(frozen=True)
class Case:
    """Steps, in order, and their samplers that do the same. `edge`: the parameter at whose value rounding may
    decide who stays."""

    steps: tuple[str, ...]
    values: dict[str, Value]
    make: Callable[[], tuple[Any, ...]]
    edge: str | None = None


def case(step: str, value: Value, make: Callable[[], Any], **others: Value) -> Case:
    name = steps()[step].parameters[0].name
    return Case((step,), {name: value, **others}, lambda: (make(),), name if isinstance(value, float) else None)


def penalties(repeat: float, frequency: float, presence: float, last: int) -> Case:
    return Case(
        ("repetition_penalty", "frequency_penalty", "presence_penalty"),
        {
            "repetition_penalty": repeat,
            "repetition_penalty_range": last,
            "frequency_penalty": frequency,
            "presence_penalty": presence,
        },
        lambda: (llama.llama_sampler_init_penalties(VOCABULARY, last, repeat, frequency, presence),),
    )


CASES = {
    "top_k": case("top_k", 40, lambda: llama.llama_sampler_init_top_k(40)),
    "top_k of one": case("top_k", 1, lambda: llama.llama_sampler_init_top_k(1)),
    "top_p": case("top_p", 0.9, lambda: llama.llama_sampler_init_top_p(0.9, 1)),
    "top_p of almost all": case("top_p", 0.999, lambda: llama.llama_sampler_init_top_p(0.999, 1)),
    "min_p": case("min_p", 0.05, lambda: llama.llama_sampler_init_min_p(0.05, 1)),
    "typical_p": case("typical_p", 0.7, lambda: llama.llama_sampler_init_typical(0.7, 1)),
    "typical_p of little": case("typical_p", 0.2, lambda: llama.llama_sampler_init_typical(0.2, 1)),
    "top_n_sigma": case("top_n_sigma", 1.0, lambda: llama.llama_sampler_init_top_n_sigma(1.0)),
    "top_n_sigma, wide": case("top_n_sigma", 2.5, lambda: llama.llama_sampler_init_top_n_sigma(2.5)),
    "xtc": Case(
        ("xtc",),
        {"xtc_probability": 1.0, "xtc_threshold": 0.1},
        lambda: (llama.llama_sampler_init_xtc(1.0, 0.1, 1, 7),),
        "xtc_threshold",
    ),
    "xtc, low": Case(
        ("xtc",),
        {"xtc_probability": 1.0, "xtc_threshold": 0.01},
        lambda: (llama.llama_sampler_init_xtc(1.0, 0.01, 1, 7),),
        "xtc_threshold",
    ),
    "temperature": case("temperature", 0.8, lambda: llama.llama_sampler_init_temp(0.8)),
    "temperature above one": case("temperature", 1.7, lambda: llama.llama_sampler_init_temp(1.7)),
    "temperature of zero": case("temperature", 0.0, lambda: llama.llama_sampler_init_temp(0.0)),
    "dynamic_temperature": case(
        "dynamic_temperature",
        0.5,
        lambda: llama.llama_sampler_init_temp_ext(0.9, 0.5, 1.3),
        temperature=0.9,
        dynatemp_exponent=1.3,
    ),
    "dynamic_temperature from zero": case(
        "dynamic_temperature", 2.0, lambda: llama.llama_sampler_init_temp_ext(1.0, 2.0, 1.0), temperature=1.0
    ),
    "repetition_penalty": penalties(1.3, 0.0, 0.0, 16),
    "frequency_penalty": penalties(1.0, 0.7, 0.0, 64),
    "presence_penalty": penalties(1.0, 0.0, 1.2, 64),
    "all penalties": penalties(1.1, 0.4, -0.3, 2048),
}


def ours(checked: Case, row: Distribution, nudge: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(ids, logits) after our steps. `nudge` moves the parameter at the edge."""
    values = {**defaults(), **checked.values}
    if checked.edge:
        values[checked.edge] = float(values[checked.edge]) * nudge  # type: ignore[arg-type]
    whole = row.ids[-1] == len(row.ids) - 1
    left = Candidates(row.logits, None if whole else row.ids)
    for name in checked.steps:
        left = steps()[name].apply(left, values, Moment(row.history, lexicon=Lexicon(VOCABULARY)))
    return np.arange(len(left)) if left.ids is None else left.ids, left.logits


def probabilities(ids: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """By token, 0 for those that are gone."""
    dense = np.zeros(VOCABULARY)
    weights = np.exp(logits.astype(np.float64) - logits.max())
    dense[ids] = weights / weights.sum()
    return dense


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Probabilities below what float32 can hold are none."""
    alive = (one > 1e-37) == (other > 1e-37)
    return bool(alive.all()) and bool(np.abs(one - other).max() <= TOLERANCE)


@pytest.fixture(scope="module", params=[random, real], ids=["random", "real"])
def rows(request: pytest.FixtureRequest) -> list[Distribution]:
    return request.param()


@pytest.fixture(params=CASES)
def checked(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def theirs(checked: Case) -> Iterator[Theirs]:
    made = Theirs(*checked.make())
    yield made
    made.close()


def test_the_same_tokens_survive_with_the_same_probabilities(
    checked: Case, theirs: Theirs, rows: list[Distribution]
) -> None:
    """Where float32 rounding decides about a token at the very edge, a nudge of the parameter gives their one."""
    edges = 0
    for row in rows:
        row = finite(row) if checked.steps[0] in DIFFERENT_WHERE_IMPOSSIBLE else row
        theirs.forget()
        theirs.accept(row.history)
        wanted = probabilities(*theirs.apply(row.logits, row.ids)[:2])
        if not same(probabilities(*ours(checked, row)), wanted):
            edges += 1
            assert any(same(probabilities(*ours(checked, row, 1 + n)), wanted) for n in NUDGES)
    assert edges <= len(rows) // 5


DIFFERENT_WHERE_IMPOSSIBLE = ("dynamic_temperature", "typical_p")
"""llama.cpp counts impossible tokens in the greatest entropy, and its entropy for typical-p is then no number."""


def finite(row: Distribution) -> Distribution:
    """Without what is impossible."""
    possible = row.logits > -np.inf
    return Distribution(row.logits[possible], row.ids[possible], row.history)


@pytest.mark.parametrize("mode", [1, 2])
def test_mirostat_keeps_the_same_tokens_and_learns_the_same(mode: int, rows: list[Distribution]) -> None:
    """On rows that are not all but flat: for those the number of tokens that version 1 keeps overflows there."""
    values = {**defaults(), "mirostat_mode": mode, "mirostat_tau": 4.0, "mirostat_eta": 0.2}
    makers = {
        1: lambda: llama.llama_sampler_init_mirostat(VOCABULARY, 7, 4.0, 0.2, 100),
        2: lambda: llama.llama_sampler_init_mirostat_v2(7, 4.0, 0.2),
    }
    steep = [row for row in rows if mode == 2 or exponent(row) > 0.7]
    assert len(steep) > len(rows) * 0.7
    check_learning("mirostat", values, Theirs(makers[mode]()), steep)


def exponent(row: Distribution) -> float:
    """Zipf's, from the hundred best."""
    gaps = -np.diff(np.sort(row.logits)[::-1][:100].astype(np.float64))
    steps = np.log1p(1 / np.arange(1, 100))
    return float((steps * gaps).sum() / (steps * steps).sum())


def test_adaptive_p_favours_the_same_tokens_and_learns_the_same(rows: list[Distribution]) -> None:
    values = {**defaults(), "adaptive_target": 0.4, "adaptive_decay": 0.8}
    check_learning("adaptive_p", values, Theirs(llama.llama_sampler_init_adaptive_p(0.4, 0.8, 7)), rows)


def check_learning(name: str, values: dict[str, Value], theirs: Theirs, rows: list[Distribution]) -> None:
    """Row after row as texts of thirty tokens: both learn from the token that their sampler draws. A step that
    draws from other tokens by a hair's breadth learns a hair's breadth elsewhere."""
    step = steps()[name]
    assert step.learning is not None
    others = 0
    for index, row in enumerate(map(finite, rows)):
        if index % 30 == 0:
            theirs.forget()
            memory = step.learning.begin(values)
        before = Candidates(row.logits, row.ids)
        after = step.apply(before, values, Moment(lexicon=Lexicon(VOCABULARY), memory={name: memory}))
        ids, logits, token = theirs.apply(row.logits, row.ids)
        assert token is not None
        assert after.ids is not None
        theirs.accept([token])
        wanted, got = probabilities(ids, logits), probabilities(after.ids, after.logits)
        others += not np.allclose(got, wanted, atol=1e-4)
        if token in after.ids:
            memory = step.learning.learn(memory, values, before, after, token)
    theirs.close()
    assert others <= len(rows) // 50
