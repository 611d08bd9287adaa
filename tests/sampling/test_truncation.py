"""The rarer truncations against distributions written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.sampling import Lexicon
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment
from tests.sampling.tables import GUIDE, after, close, few, vocabulary


def test_top_a_cuts_below_a_times_the_square_of_the_best() -> None:
    """0.2 · 0.5² = 0.05: three of the guide's example stay."""
    assert sorted(after("top_a", vocabulary(*GUIDE), top_a=0.2)) == [0, 1, 2]


@pytest.mark.parametrize(("a", "kept"), [(0.03, 6), (0.07, 5), (0.09, 3), (0.9, 2), (1.0, 1)])
def test_top_a_is_strict_where_the_model_is_sure(a: float, kept: int) -> None:
    """The best has 0.5: a quarter of a is the floor."""
    assert len(after("top_a", few(0.5, 0.231, 0.22, 0.02, 0.018, 0.01, 0.001), top_a=a)) == kept


@pytest.mark.parametrize(
    ("p", "kept"), [(0.2, [1]), (0.3, [0, 1]), (0.7, [0, 1]), (0.8, [0, 1, 2]), (0.99, [0, 1, 2, 3])]
)
def test_typical_p_keeps_what_is_as_surprising_as_expected(p: float, kept: list[int]) -> None:
    """The entropy of 0.5, 0.25, 0.15, 0.1 is 1.208; their surprises are 0.69, 1.39, 1.90, 2.30."""
    assert sorted(after("typical_p", few(0.5, 0.25, 0.15, 0.1), typical_p=p)) == kept


def test_typical_p_may_cut_the_best_token() -> None:
    """0.4 and thirty of 0.02: the entropy is 2.71, 0.02 surprises with 3.91 and 0.4 with 0.92."""
    left = after("typical_p", few(0.4, *[0.02] * 30), typical_p=0.51)
    assert 0 not in left
    assert len(left) == 26


@pytest.mark.parametrize(("z", "kept"), [(0.0, 1), (0.3, 2), (0.6, 2), (0.8, 3), (0.99, 3)])
def test_tfs_cuts_where_the_curve_stops_bending(z: float, kept: int) -> None:
    """Second differences of 0.5, 0.3, 0.12, 0.05, 0.03: 0.02, 0.11, 0.05; their running shares 0.11, 0.72, 1."""
    assert len(after("tfs", few(0.5, 0.3, 0.12, 0.05, 0.03), tfs=z)) == kept


def test_tfs_leaves_what_has_no_tail() -> None:
    assert len(after("tfs", few(*[0.25] * 4), tfs=0.1)) == 4
    assert len(after("tfs", few(0.9, 0.1), tfs=0.1)) == 2


def test_top_n_sigma_keeps_what_is_within_deviations_of_the_best() -> None:
    """Logits 0, 0, 0, 4: the deviation is √3, and 4 - 2.3·√3 = 0.02."""
    logits = Candidates(np.array([0, 0, 0, 4], dtype=np.float32))
    assert sorted(after("top_n_sigma", logits, top_n_sigma=2.3)) == [3]
    assert sorted(after("top_n_sigma", logits, top_n_sigma=2.32)) == [0, 1, 2, 3]


def test_top_n_sigma_does_not_count_what_is_impossible() -> None:
    logits = np.array([0, 0, 0, 4, -np.inf, -np.inf], dtype=np.float32)
    assert sorted(after("top_n_sigma", Candidates(logits), top_n_sigma=2.3)) == [3]


@pytest.mark.parametrize(("cutoff", "kept"), [(3.0, 5), (100.0, 4), (150.0, 4), (2000.0, 2), (9000.0, 1)])
def test_epsilon_cutoff_is_a_floor_in_ten_thousandths(cutoff: float, kept: int) -> None:
    assert len(after("epsilon_cutoff", few(0.6, 0.25, 0.1, 0.0399, 0.0099, 0.0002), epsilon_cutoff=cutoff)) == kept


def test_eta_cutoff_is_lower_where_the_model_is_unsure() -> None:
    """ε = 0.1. Of ten even tokens the entropy is ln 10, and √0.1 / 10 = 0.032: they stay. Where one token has 0.91,
    the entropy is 0.5, and √0.1 · e^-0.5 is more than 0.1: those with 0.01 go."""
    assert len(after("eta_cutoff", few(*[0.1] * 10), eta_cutoff=1000.0)) == 10
    assert len(after("eta_cutoff", few(0.91, *[0.01] * 9), eta_cutoff=1000.0)) == 1


def test_xtc_takes_all_likely_tokens_but_the_least_likely() -> None:
    left = after("xtc", few(0.4, 0.05, 0.3, 0.15, 0.1), xtc_probability=1.0, xtc_threshold=0.12)
    assert left == close({1: 0.05 / 0.3, 3: 0.15 / 0.3, 4: 0.1 / 0.3})


def test_xtc_leaves_a_sure_model_alone() -> None:
    assert len(after("xtc", few(0.9, 0.05, 0.05), xtc_probability=1.0, xtc_threshold=0.1)) == 3
    assert len(after("xtc", few(0.5, 0.5), xtc_probability=1.0, xtc_threshold=0.51)) == 2


@pytest.mark.parametrize(("chance", "left"), [(0.0, 1), (0.29, 1), (0.31, 2), (0.99, 2)])
def test_xtc_acts_as_often_as_asked(chance: float, left: int) -> None:
    moment = Moment(lexicon=Lexicon(2), chance=chance)
    assert len(after("xtc", few(0.5, 0.5), moment=moment, xtc_probability=0.3, xtc_threshold=0.1)) == left


def test_xtc_spares_the_last_of_equals() -> None:
    assert sorted(after("xtc", few(*[0.25] * 4), xtc_probability=1.0, xtc_threshold=0.1)) == [3]


@pytest.mark.parametrize(("mu", "kept"), [(0.5, 1), (1.1, 1), (2.5, 2), (3.5, 4)])
def test_mirostat_2_keeps_surprises_up_to_mu(mu: float, kept: int) -> None:
    """0.5, 0.25, 0.125, 0.125 surprise with 1, 2, 3 and 3 bits."""
    moment = Moment(lexicon=Lexicon(4), memory={"mirostat": (mu,)})
    assert len(after("mirostat", few(0.5, 0.25, 0.125, 0.125), moment=moment, mirostat_mode=2)) == kept


def test_mirostat_1_keeps_more_the_greater_mu_is() -> None:
    zipf = Candidates(-np.log(np.arange(1, 1001)).astype(np.float32) * np.float32(1.2))

    def kept(mu: float) -> int:
        moment = Moment(lexicon=Lexicon(1000), memory={"mirostat": (mu,)})
        return len(after("mirostat", zipf, moment=moment, mirostat_mode=1))

    exact = (0.2 * 2**6 / (1 - 1000**-0.2)) ** (1 / 1.2)
    assert kept(6.0) == math.floor(exact)
    assert kept(-50.0) == 1
    assert kept(500.0) == 1000


LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=60).map(
    lambda values: Candidates(np.array(values, dtype=np.float32))
)
LARGER_KEEPS_MORE = {"top_k": (1, 60), "top_n_sigma": (0.01, 5), "tfs": (0, 1), "typical_p": (0, 1)}
LARGER_KEEPS_FEWER = {"top_a": (0.001, 1), "epsilon_cutoff": (0.1, 9000), "eta_cutoff": (0.1, 9000)}


@pytest.mark.parametrize("name", [*LARGER_KEEPS_MORE, *LARGER_KEEPS_FEWER])
@given(data=st.data())
def test_each_cuts_more_or_less_as_its_number_grows(name: str, data: st.DataObject) -> None:
    candidates = data.draw(LOGITS)
    low, high = {**LARGER_KEEPS_MORE, **LARGER_KEEPS_FEWER}[name]
    kind = st.integers if name == "top_k" else st.floats
    numbers = sorted(data.draw(kind(low, high)) for _ in range(2))
    small, large = (set(after(name, candidates, **{name: number})) for number in numbers)
    assert small <= large if name in LARGER_KEEPS_MORE else large <= small


@given(LOGITS, st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_a_lower_threshold_of_xtc_takes_more(candidates: Candidates, one: float, other: float) -> None:
    low, high = sorted((one, other))
    left = [len(after("xtc", candidates, xtc_probability=1.0, xtc_threshold=t)) for t in (low, high)]
    assert left[0] <= left[1]
