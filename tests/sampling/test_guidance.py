"""Guidance moves away from the negative prompt, and only as far as it is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samovar.sampling.guidance import guided

ROWS = arrays(np.float32, 12, elements=st.floats(-20, 20, width=32))


def softmax(row: np.ndarray) -> np.ndarray:
    weights = np.exp(row - row.max())
    return np.asarray(weights / weights.sum())


@given(ROWS, ROWS)
def test_a_scale_of_one_is_the_prompt_alone_and_zero_the_negative_alone(one: np.ndarray, other: np.ndarray) -> None:
    assert softmax(guided(one, other, 1.0)) == pytest.approx(softmax(one), abs=1e-5)
    assert softmax(guided(one, other, 0.0)) == pytest.approx(softmax(other), abs=1e-5)


@given(ROWS, st.floats(0, 20))
def test_a_prompt_that_is_its_own_negative_changes_nothing(row: np.ndarray, scale: float) -> None:
    assert softmax(guided(row, row, scale)) == pytest.approx(softmax(row), abs=1e-4)


def test_literal_numbers() -> None:
    positive, negative = np.log(np.float32([0.5, 0.3, 0.2])), np.log(np.float32([0.2, 0.3, 0.5]))
    # p⁻ · (p⁺/p⁻)² = 0.5²/0.2, 0.3, 0.2²/0.5
    expected = np.array([1.25, 0.3, 0.08]) / 1.63
    assert softmax(guided(positive, negative, 2.0)) == pytest.approx(expected, abs=1e-6)


def test_what_the_prompt_rules_out_stays_out_and_nothing_becomes_nan() -> None:
    positive, negative = np.float32([0, -np.inf, 1]), np.float32([-np.inf, 0, 1])
    steered = guided(positive, negative, 3.0)
    assert steered[1] == -np.inf
    assert np.isfinite(steered[[0, 2]]).all()
