"""Fast ways of choosing agree with the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.sampling.candidates import SHORT, Candidates, descending
from samovar.sampling.sampler import pick

SIZES = st.sampled_from([1, 2, 63, SHORT, SHORT + 1, 5000, 49_152])


def row(seed: int, size: int, levels: int) -> np.ndarray:
    """Logits with many equal values among them where `levels` is small, and some of -inf."""
    random = np.random.default_rng(seed)
    logits = np.round(random.standard_normal(size) * levels / 4).astype(np.float32)
    logits[random.random(size) < 0.1] = -np.inf
    return logits


@given(st.integers(0, 2**32), SIZES, st.sampled_from([0, 1, 100_000]), st.integers(1, 60_000))
def test_the_best_are_those_of_a_stable_sort(seed: int, size: int, levels: int, count: int) -> None:
    logits = row(seed, size, levels)
    best = Candidates(logits).best(count)
    expected = np.argsort(-logits, kind="stable")[:count]
    assert best.ordered
    assert [best.token(i) for i in range(len(best))] == list(expected)
    assert np.array_equal(best.logits, logits[expected])


def test_zeros_of_both_signs_are_equal() -> None:
    logits = np.tile(np.array([-0.0, 0.0, -1.0, 1.0], dtype=np.float32), SHORT)
    assert np.array_equal(descending(logits), np.argsort(-logits, kind="stable"))


@given(st.integers(0, 2**32), SIZES)
def test_every_token_has_its_own_length_on_the_interval_of_shares(seed: int, size: int) -> None:
    weights = np.random.default_rng(seed).random(size).astype(np.float32)
    weights[:: max(2, size // 50)] = 0
    weights[-1] = 1
    shares = (np.arange(500) + 0.5) / 500
    picked = np.array([pick(weights, share) for share in shares])
    assert (weights[picked] > 0).all()
    heavy = weights[picked].mean()
    assert heavy >= weights[weights > 0].mean() * 0.9


@pytest.mark.parametrize("size", [1, 7, SHORT + 7, 49_152])
def test_the_ends_of_the_interval_hit_a_token_that_is_possible(size: int) -> None:
    weights = np.zeros(size, dtype=np.float32)
    weights[size // 2] = 1e-30
    for share in (0.0, 0.5, np.nextafter(1.0, 0)):
        assert pick(weights, float(share)) == size // 2
