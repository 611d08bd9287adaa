"""The kernel agrees with numpy: step by step, in whole chains, token for token."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samovar.core.errors import EngineFailed
from samovar.core.parameters import SamplingParams, Value
from samovar.sampling import Lexicon, Sampler, steps
from samovar.sampling.candidates import Candidates, Ids, Logits
from samovar.sampling.chain import Chain
from samovar.sampling.native import NO_IDS, TELL, compiled, native_steps
from samovar.sampling.registry import neutral
from samovar.sampling.sampler import pick
from samovar.sampling.step import Moment

kernel = pytest.importorskip("samovar_kernel", reason="the sampling kernel is not built")

SIZES = (1, 2, 7, 130, 5003)
"""Less than a block, some blocks, and more than the draw's short rows; none of them even."""

LEAST = 1e-12
"""A probability that rounding may make none."""

STRONG: dict[str, dict[str, Value]] = {
    "logit_bias": {"logit_bias": {0: 2.5, 3: -np.inf, 5: -4.0, 10_000: 3.0}},
    "token_bans": {"token_bans": (0, 6, 2, 6, 10_000)},
    "ban_eos_token": {"ban_eos_token": True},
    "min_tokens": {"min_tokens": 50},
    "encoder_repetition_penalty": {"encoder_repetition_penalty": 1.4},
    "repetition_penalty": {
        "repetition_penalty": 1.3,
        "repetition_penalty_range": 40,
        "repetition_penalty_slope": 0.6,
    },
    "frequency_penalty": {"frequency_penalty": 0.3, "repetition_penalty_range": 40},
    "presence_penalty": {"presence_penalty": -0.4, "repetition_penalty_range": -1},
    "dry": {"dry_multiplier": 0.8, "dry_allowed_length": 1},
    "no_repeat_ngram": {"no_repeat_ngram_size": 2},
    "top_n_sigma": {"top_n_sigma": 1.2},
    "top_k": {"top_k": 40},
    "tfs": {"tfs": 0.9},
    "typical_p": {"typical_p": 0.7},
    "top_p": {"top_p": 0.9},
    "min_p": {"min_p": 0.03},
    "top_a": {"top_a": 0.3},
    "epsilon_cutoff": {"epsilon_cutoff": 20.0},
    "eta_cutoff": {"eta_cutoff": 30.0},
    "xtc": {"xtc_probability": 0.5, "xtc_threshold": 0.02},
    "temperature": {"temperature": 1.7},
    "dynamic_temperature": {"dynatemp_range": 0.5, "temperature": 0.9},
    "quadratic_sampling": {"smoothing_factor": 0.2, "smoothing_curve": 2.5},
    "skew": {"skew": -0.5},
}


def lexicon(size: int) -> Lexicon:
    """Breakers of one token, and of two: "a" and "b" in a row end a repetition as well."""
    pieces = {1: b":", 4: b"x*y", 5: b"a", 6: b"b"}
    tokenize = {"b": (6,), ":": (1,)}
    return Lexicon(size, (0, 2), lambda token: pieces.get(token, b"word"), lambda text: tokenize.get(text, ()))


def rows(size: int) -> list[Logits]:
    """Flat, steep, with ties, with impossible tokens, with one possible token."""
    dice = np.random.default_rng(size)
    normal = dice.standard_normal(size)
    families = [normal * scale for scale in (0.05, 1, 3, 9)]
    holes = np.where(dice.random(size) < 0.5, -np.inf, normal * 3)
    holes[dice.integers(size)] = 1.0
    families += [np.round(normal * 2), np.zeros(size), -np.abs(normal) * 20, holes]
    families.append(np.where(np.arange(size) == size // 2, 1.0, -np.inf))
    return [row.astype(np.float32) for row in families]


def texts(size: int) -> list[Ids]:
    """None, a short one, one that repeats itself, one in many words; ids that the vocabulary does not have."""
    dice = np.random.default_rng(size)
    many = dice.integers(0, size + 3, 300)
    again = np.tile(dice.integers(0, min(size, 9), 11), 20)
    return [np.array(ids, dtype=np.int64) for ids in ([], [0], again, many, [7, 5, 6, 3, 8, 7, 5, 6, 3])]


def chain_of(values: Mapping[str, Value], order: tuple[str, ...] = ()) -> Chain:
    return Chain(SamplingParams(values={**neutral(), **values}, order=order))


def native(chain: Chain, words: Lexicon) -> kernel.Chain:
    built = compiled(chain, words)
    assert built is not None
    return built


def assert_agree(chain: Chain, row: Logits, text: Ids, chance: float = 0.25) -> None:
    """The same tokens are left with the same probabilities, and the row is as it was. In what order they are left
    is for the tests of draws: two that differ in the last digit may change places."""
    words, kept = lexicon(len(row)), row.copy()
    produced = len(text) // 3
    tokens, logits = native(chain, words).left(row, text, produced, chance)
    ours = chain.stages(row, Moment(text, produced, words, chance))[-1]
    ids = np.arange(len(row)) if ours.ids is None else ours.ids
    assert sorted(tokens) == sorted(ids)
    got, expected = (np.zeros(len(row)) for _ in range(2))
    got[tokens], expected[ids] = Candidates(logits).probabilities(), ours.probabilities()
    assert np.abs(got - expected).max() < 1e-5
    assert np.maximum(got, expected)[(got == 0) != (expected == 0)].max(initial=0) < LEAST
    assert row.tobytes() == kept.tobytes()


def test_every_step_of_the_kernel_is_tested_and_told() -> None:
    assert native_steps() == set(STRONG) == set(TELL)
    assert set(steps()) - native_steps() == {"adaptive_p", "mirostat"}


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("size", SIZES)
def test_a_step_leaves_what_its_reference_leaves(name: str, size: int) -> None:
    chain = chain_of(STRONG[name])
    assert [step.name for step in chain.steps] == [name] or name == "dynamic_temperature"
    for row in rows(size):
        for text in texts(size):
            assert_agree(chain, row, text)


@pytest.mark.parametrize("name", STRONG)
def test_a_step_agrees_behind_others_too(name: str) -> None:
    """Behind a top-k tokens are in order; behind a min-p they are few and in none."""
    for first in ({"top_k": 300}, {"min_p": 1e-3}, {"temperature": 0.7}):
        front = next(iter(first))
        if front != name and not (name == "dynamic_temperature" and front == "temperature"):
            chain = chain_of({**STRONG[name], **first}, (front, name))
            for row in rows(1501):
                for text in texts(1501)[2:]:
                    assert_agree(chain, row, text)


STEPS = st.lists(st.sampled_from(sorted(STRONG)), unique=True, max_size=9)


@given(STEPS, st.integers(0, len(rows(1)) - 1), st.integers(0, 4), st.sampled_from((7, 130, 2500)))
@settings(max_examples=150, deadline=None)
def test_any_chain_in_any_order_leaves_what_numpy_leaves(names: list[str], row: int, text: int, size: int) -> None:
    values = {name: value for step in names for name, value in STRONG[step].items()}
    assert_agree(chain_of(values, tuple(names)), rows(size)[row], texts(size)[text])


NUMBERS = st.floats(-30, 30, width=32) | st.just(-np.inf)


@given(st.lists(NUMBERS, min_size=1, max_size=200), st.sampled_from(sorted(STRONG)))
@settings(deadline=None)
def test_any_row_is_cut_as_numpy_cuts_it(numbers: list[float], name: str) -> None:
    row = np.array([*numbers, 1.0], dtype=np.float32)
    assert_agree(chain_of(STRONG[name]), row, texts(9)[2])


@pytest.mark.parametrize(
    "values", [{}, {"top_k": 40, "top_p": 0.9, "xtc_probability": 0.5}, {"min_p": 0.001, "temperature": 1.5}]
)
def test_the_same_number_draws_the_same_token(values: dict[str, Value]) -> None:
    """But for one draw in ten thousand, whose number falls on a border between two tokens."""
    chain, words = chain_of(values), lexicon(3001)
    fast, row = native(chain, words), rows(3001)[2]
    last = chain.stages(row, Moment(lexicon=words))[-1]
    shares = np.random.default_rng(5).random(10_000)
    slow = [last.token(pick(last.weights(), share)) for share in shares]
    same = [fast.draw(row, NO_IDS, 0, 0.0, share) for share in shares]
    assert sum(a != b for a, b in zip(slow, same, strict=True)) <= 1


@pytest.mark.parametrize("share", [0.0, np.nextafter(1.0, 0)])
def test_the_ends_of_the_interval_are_possible_tokens(share: float) -> None:
    for size in SIZES:
        for row in rows(size):
            token = native(chain_of({}), lexicon(size)).draw(row, NO_IDS, 0, 0.0, share)
            assert row[token] > -np.inf


@pytest.mark.parametrize("size", [10, 3000])
@pytest.mark.parametrize("steepness", [0.0, 0.5, 1.5])
def test_draws_follow_the_distribution(size: int, steepness: float) -> None:
    """Chi-square of 100,000 draws, tokens in ten groups of one residue, at a level that fails once in a million."""
    weights = 1 / (1 + np.arange(size)) ** steepness
    expected = np.bincount(np.arange(size) % 10, weights=weights / weights.sum()) * 100_000
    fast, row = native(chain_of({}), lexicon(size)), np.log(weights).astype(np.float32)
    shares = np.random.default_rng(11).random(100_000)
    drawn = np.array([fast.draw(row, NO_IDS, 0, 0.0, share) for share in shares])
    groups = np.bincount(drawn % 10, minlength=10)
    assert ((groups - expected) ** 2 / expected).sum() < 45.1


FULL: dict[str, Value] = {
    **STRONG["repetition_penalty"],
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "dry_multiplier": 0.8,
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.05,
    "xtc_probability": 0.5,
}


def turns(count: int) -> tuple[Logits, list[tuple[kernel.Chain, Ids, int, float, float]]]:
    words, dice = lexicon(4001), np.random.default_rng(1)
    chains = [native(chain_of({**FULL, "top_k": 1 + n % 60}), words) for n in range(count)]
    logits = (dice.standard_normal((count, 4001)) * 3).astype(np.float32)
    return logits, [(one, texts(4001)[n % 5], 3, dice.random(), dice.random()) for n, one in enumerate(chains)]


def test_several_rows_at_once_are_as_one_by_one() -> None:
    logits, asked = turns(20)
    single = [one.draw(row, *rest) for row, (one, *rest) in zip(logits, asked, strict=True)]
    assert kernel.draw_rows(logits, asked) == single


def test_threads_do_not_meet() -> None:
    logits, asked = turns(60)
    single = kernel.draw_rows(logits, asked)

    def draw(n: int) -> int:
        one, *rest = asked[n % 60]
        return int(one.draw(logits[n % 60], *rest))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(600))) == single * 10


def test_a_text_is_the_same_with_and_without_the_kernel() -> None:
    row = rows(5003)[2]

    def text(*, fast: bool) -> list[int]:
        source = Sampler(SamplingParams(values=FULL, seed=3), lexicon(5003), native=fast)
        tokens: list[int] = [1, 2, 3]
        for _ in range(200):
            tokens.append(source.draw(row, tokens))
        return tokens

    assert text(fast=True) == text(fast=False)


def test_a_step_that_the_kernel_lacks_leaves_the_whole_chain_to_numpy() -> None:
    assert compiled(chain_of({"mirostat_mode": 2}), lexicon(9)) is None
    assert compiled(chain_of({"adaptive_target": 0.5, "top_k": 40}), lexicon(9)) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_names_no_token_is_refused_as_without_the_kernel(bad: float) -> None:
    row = rows(5003)[1]
    row[4000] = bad
    assert native(chain_of({}), lexicon(5003)).draw(row, NO_IDS, 0, 0.0, 0.5) == -1
    for fast in (True, False):
        with pytest.raises(EngineFailed):
            Sampler(SamplingParams(), lexicon(5003), native=fast).draw(row)


@pytest.mark.parametrize(
    "told",
    [
        ("top_z", [1.0], NO_IDS),
        ("top_k", [], NO_IDS),
        ("logit_bias", [1.0], NO_IDS),
        ("token_bans", [], np.array([3, 1])),
        ("dry", [1.0, 1.0, 1.0, 1.0], NO_IDS),
        ("dry", [1.0, 1.0, 1.0, 1.0], np.array([1, 7, 0, 2, 5])),
    ],
)
def test_a_chain_that_it_cannot_follow_is_refused(told: tuple[str, list[float], Ids]) -> None:
    with pytest.raises(ValueError, match=told[0]):
        kernel.Chain(10, [told])
