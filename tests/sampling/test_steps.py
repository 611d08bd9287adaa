"""Each step against distributions written out by hand. (What holds for all of them is in tests/conformance.)"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.parameters import Value
from samovar.sampling import steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment
from tests.sampling.tables import GUIDE, after, close, logits_after, vocabulary


def test_top_p_of_0_8_keeps_three_of_the_guides_example() -> None:
    assert after("top_p", vocabulary(*GUIDE), top_p=0.8) == close({0: 0.5 / 0.84, 1: 0.22 / 0.84, 2: 0.12 / 0.84})


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1), (0.49, 1), (0.51, 2), (0.73, 3), (0.85, 4)])
def test_top_p_keeps_the_fewest_that_reach_it(p: float, kept: int) -> None:
    assert sorted(after("top_p", vocabulary(*GUIDE), top_p=p)) == list(range(kept))


def test_top_p_that_only_the_whole_vocabulary_reaches_keeps_nearly_all_of_it() -> None:
    assert 19_900 < len(after("top_p", vocabulary(others=20_000), top_p=0.9999)) <= 20_000


def test_min_p_of_0_05_with_a_best_token_at_30_percent_cuts_below_1_5_percent() -> None:
    left = after("min_p", vocabulary(0.3, 0.2, 0.0151, 0.0149, 0.001), min_p=0.05)
    assert left == close({0: 0.3 / 0.5151, 1: 0.2 / 0.5151, 2: 0.0151 / 0.5151})


def test_min_p_of_1_keeps_those_as_likely_as_the_best() -> None:
    assert sorted(after("min_p", vocabulary(0.3, 0.3, 0.29), min_p=1.0)) == [0, 1]


@pytest.mark.parametrize("others", [0, 20_000], ids=["a few tokens", "a vocabulary"])
def test_top_k_keeps_the_k_best(others: int) -> None:
    left = after("top_k", vocabulary(0.1, 0.4, 0.2, 0.25, others=others), top_k=2)
    assert left == close({1: 0.4 / 0.65, 3: 0.25 / 0.65})


def test_top_k_takes_the_first_of_equal_tokens() -> None:
    even = Candidates(np.zeros(50_000, dtype=np.float32))
    assert list(after("top_k", even, top_k=3)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (0.5, {0: 0.64 / 0.68, 1: 0.04 / 0.68}),
        (1.0, {0: 0.8, 1: 0.2}),
        (2.0, {0: 2 / 3, 1: 1 / 3}),
        (0.0, {0: 1.0}),
        (1e-44, {0: 1.0}),
    ],
)
def test_temperature_raises_probabilities_to_its_inverse(temperature: float, expected: dict[int, float]) -> None:
    assert after("temperature", vocabulary(0.8, 0.2, others=0), temperature=temperature) == close(expected)


def penalised(logits: list[float], history: tuple[int, ...], penalty: float, last: int) -> list[float]:
    values: dict[str, Value] = {"repetition_penalty": penalty, "repetition_penalty_range": last}
    return logits_after("repetition_penalty", logits, history, **values)


def test_repetition_penalty_divides_good_logits_and_multiplies_bad_ones_once_each() -> None:
    assert penalised([3.0, -1.0, 0.0, 2.0], (0, 0, 1, 2), penalty=2.0, last=64) == [1.5, -2.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("last", "expected"), [(0, [4, 4, 4]), (1, [4, 4, 2]), (2, [4, 2, 2]), (-1, [2, 2, 2]), (99, [2, 2, 2])]
)
def test_repetition_penalty_looks_back_as_far_as_its_range(last: int, expected: list[float]) -> None:
    assert penalised([4.0, 4.0, 4.0], (0, 1, 2), penalty=2.0, last=last) == expected


def test_repetition_penalty_finds_tokens_after_a_truncation() -> None:
    few = Candidates(np.array([5, 4], dtype=np.float32), np.array([70, 7]), ordered=True)
    values: dict[str, Value] = {"repetition_penalty": 2.0, "repetition_penalty_range": 64}
    left = steps()["repetition_penalty"].apply(few, {**defaults(), **values}, Moment((7, 8)))
    assert [(left.token(i), float(left.logits[i])) for i in range(2)] == [(70, 5.0), (7, 2.0)]
    assert not left.ordered


LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=60).map(
    lambda v: np.array(v, dtype=np.float32)
)


@given(LOGITS, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_top_p_keeps_at_least_as_many(logits: np.ndarray, one: float, other: float) -> None:
    small, large = sorted((one, other))
    candidates = Candidates(logits)
    assert set(after("top_p", candidates, top_p=small)) <= set(after("top_p", candidates, top_p=large))


@given(LOGITS, st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_larger_min_p_keeps_at_most_as_many(logits: np.ndarray, one: float, other: float) -> None:
    small, large = sorted((one, other))
    candidates = Candidates(logits)
    assert set(after("min_p", candidates, min_p=large)) <= set(after("min_p", candidates, min_p=small))


@given(LOGITS, st.floats(0.05, 5), st.floats(0.05, 5))
def test_a_higher_temperature_never_favours_the_best_token(logits: np.ndarray, one: float, other: float) -> None:
    cool, hot = (
        after("temperature", Candidates(logits), temperature=t)[int(logits.argmax())] for t in sorted((one, other))
    )
    assert hot <= cool * (1 + 1e-5)
