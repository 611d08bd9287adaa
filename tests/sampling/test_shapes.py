"""Steps that change how flat a distribution is, or aim at a surprise, against numbers written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from samovar.sampling import Lexicon, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment
from tests.sampling.tables import after, close, few, logits_after


def test_dynamic_temperature_is_hot_where_the_model_knows_nothing() -> None:
    """Of even tokens the entropy is the greatest: the high end, which leaves them even."""
    assert after("dynamic_temperature", few(0.5, 0.5), dynatemp_range=0.5) == close({0: 0.5, 1: 0.5})
    sure = after("dynamic_temperature", few(0.999, 0.001), temperature=1.0, dynatemp_range=0.5)
    entropy = -(0.999 * math.log(0.999) + 0.001 * math.log(0.001)) / math.log(2)
    odds = (0.999 / 0.001) ** (1 / (0.5 + entropy))
    assert sure[0] / sure[1] == pytest.approx(odds, rel=1e-3)


def test_low_and_high_are_the_ends_where_they_are_asked_for() -> None:
    by_range = after("dynamic_temperature", few(0.7, 0.2, 0.1), temperature=1.0, dynatemp_range=0.5)
    by_ends = after(
        "dynamic_temperature", few(0.7, 0.2, 0.1), dynamic_temperature=True, dynatemp_low=0.5, dynatemp_high=1.5
    )
    assert by_ends == close(by_range)


def test_the_exponent_keeps_it_cool_for_longer() -> None:
    shares = [
        after("dynamic_temperature", few(0.7, 0.2, 0.1), temperature=1.0, dynatemp_range=1.0, dynatemp_exponent=e)[
            0
        ]
        for e in (0.5, 1.0, 2.0)
    ]
    assert shares == sorted(shares)


def test_dynamic_temperature_down_to_zero_takes_the_best() -> None:
    certain = Candidates(np.array([0.0, -200.0], dtype=np.float32))
    assert after("dynamic_temperature", certain, temperature=0.0, dynatemp_range=1.0) == {0: 1.0}


def test_quadratic_smoothing_is_a_parabola_around_the_best() -> None:
    assert logits_after("quadratic_sampling", [3.0, 2.0, 1.0], smoothing_factor=0.5) == [0.0, -0.5, -2.0]


def test_its_curve_pushes_bad_tokens_further() -> None:
    """f 0.5, c 2: -0.25·d² + 0.25·d³ for d = -1 and -2."""
    values = {"smoothing_factor": 0.5, "smoothing_curve": 2.0}
    assert logits_after("quadratic_sampling", [3.0, 2.0, 1.0], **values) == [0.0, -0.5, -3.0]


@pytest.mark.parametrize(("skew", "first"), [(math.log(2), 0.36), (-math.log(2), math.sqrt(0.6)), (5.0, 0.0)])
def test_skew_raises_the_running_sum_to_a_power(skew: float, first: float) -> None:
    assert after("skew", few(0.3, 0.6, 0.1), skew=skew).get(1, 0.0) == pytest.approx(first, abs=1e-4)


def test_adaptive_p_favours_what_is_near_its_target() -> None:
    """Target 0.3: 0.6 and 0.0 are both one width away, 5 - 10 / 2 = 0; 0.3 is on it, 5."""
    logits = logits_after("adaptive_p", [math.log(0.6), math.log(0.3), math.log(0.1)], adaptive_target=0.3)
    distance = 0.2 / 0.3
    assert logits == pytest.approx([0.0, 5.0, 5 - 10 * distance**2 / (1 + distance)], abs=1e-4)


def test_adaptive_p_aims_lower_after_likely_tokens() -> None:
    step = steps()["adaptive_p"]
    assert step.learning is not None
    values = {**defaults(), "adaptive_target": 0.3, "adaptive_decay": 0.9}
    start = step.learning.begin(values)
    assert start == pytest.approx((3.0, 10.0))
    before = few(0.9, 0.1)
    memory = step.learning.learn(start, values, before, before, 0)
    assert memory == pytest.approx((0.9 + 2.7, 10.0))
    left = step.apply(few(0.24, 0.36, 0.4), values, Moment(lexicon=Lexicon(3), memory={"adaptive_p": memory}))
    assert left.logits.argmax() == 0


@pytest.mark.parametrize(("token", "mu"), [(0, 10 - 0.1 * (1 - 5)), (2, 10 - 0.1 * (3 - 5))])
def test_mirostat_learns_from_the_surprise_among_those_it_kept(token: int, mu: float) -> None:
    learning = steps()["mirostat"].learning
    assert learning is not None
    kept = few(0.5, 0.25, 0.125, 0.125)
    assert learning.learn((10.0,), defaults(), kept, kept, token) == pytest.approx((mu,))
