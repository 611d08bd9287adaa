"""What a request gets: its chain in its order, draws of seed and logits alone, honest failures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import EngineFailed, InvalidParameter
from samovar.core.parameters import SamplingParams, Value
from samovar.sampling import Lexicon, Sampler, parameters, resolve
from samovar.sampling.chain import active
from samovar.sampling.registry import arrange, neutral

NEUTRAL = dict(neutral())
ROW = np.random.default_rng(3).standard_normal(50_000).astype(np.float32) * 3


def sampler(size: int, seed: int | None = 7, **values: Value) -> Sampler:
    return Sampler(SamplingParams(values={**NEUTRAL, **values}, seed=seed), Lexicon(size))


def text(source: Sampler, length: int = 40) -> list[int]:
    tokens: list[int] = []
    for _ in range(length):
        tokens.append(source.draw(ROW, tokens))
    return tokens


def test_the_same_seed_gives_the_same_text() -> None:
    assert text(sampler(len(ROW))) == text(sampler(len(ROW)))
    assert text(sampler(len(ROW))) != text(sampler(len(ROW), seed=8))


def test_the_same_seed_gives_the_same_text_whatever_is_drawn_beside_it() -> None:
    alone = text(sampler(len(ROW)))
    one, other = sampler(len(ROW)), sampler(len(ROW), seed=1)
    tokens = []
    for _ in alone:
        other.draw(ROW)
        tokens.append(one.draw(ROW))
        other.logprobs(ROW, 0, 3)
        one.logprobs(ROW, 0, 3)
    assert tokens == alone


def test_the_nth_token_takes_the_nth_number_even_after_certain_ones() -> None:
    certain = np.full(50_000, -np.inf, dtype=np.float32)
    certain[3] = 0
    plain, after_certain = sampler(len(ROW)), sampler(len(ROW))
    plain.draw(ROW)
    assert after_certain.draw(certain) == 3
    assert after_certain.draw(ROW) == plain.draw(ROW)


@pytest.mark.parametrize("seed", [-1, 0, 2**64 - 1, 2**80])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert text(sampler(len(ROW), seed=seed)) == text(sampler(len(ROW), seed=seed))


def test_without_a_seed_each_text_is_another() -> None:
    assert text(sampler(len(ROW), seed=None)) != text(sampler(len(ROW), seed=None))


def chi_square(drawn: np.ndarray, probabilities: np.ndarray) -> float:
    """Of ten groups of tokens, those of one residue: a fair draw passes 45.1 once in a million times."""
    groups = np.bincount(drawn % 10, minlength=10)
    expected = np.bincount(np.arange(len(probabilities)) % 10, weights=probabilities, minlength=10) * len(drawn)
    possible = expected > 0
    assert groups[~possible].sum() == 0
    return float(((groups - expected)[possible] ** 2 / expected[possible]).sum())


@pytest.mark.parametrize("size", [10, 3000])
@pytest.mark.parametrize("family", ["even", "one in ten thousand", "steep"])
def test_draws_follow_the_distribution(family: str, size: int) -> None:
    rank = np.arange(size, dtype=np.float64)
    probabilities = {
        "even": np.ones(size),
        "one in ten thousand": np.where(rank == 5, 1e-4 * size, 1.0),
        "steep": 1 / (1 + rank) ** 1.5,
    }[family]
    probabilities /= probabilities.sum()
    logits = np.log(probabilities).astype(np.float32)
    source = sampler(size, seed=11)
    drawn = np.array([source.draw(logits) for _ in range(100_000)])
    assert chi_square(drawn, probabilities) < 45.1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"top_k": 4}, [4 / 10, 3 / 10, 2 / 10, 1 / 10, 0]),
        ({"temperature": 0.5}, [x * x / 30 for x in (4, 3, 2, 1, 0)]),
        ({"temperature": 2.0}, [x**0.5 / 6.1463 for x in (4, 3, 2, 1, 0)]),
        (
            {"xtc_probability": 0.25, "xtc_threshold": 0.25},
            [0.4 * 0.75, 0.3 * 0.75 + 0.25 * 3 / 6, 0.2 * 0.75 + 0.25 * 2 / 6, 0.1 * 0.75 + 0.25 / 6, 0],
        ),
    ],
    ids=["truncated", "sharpened", "flattened", "now and then excluded"],
)
def test_draws_follow_the_distribution_that_the_chain_leaves(
    values: dict[str, Value], expected: list[float]
) -> None:
    with np.errstate(divide="ignore"):
        logits = np.log(np.array([0.4, 0.3, 0.2, 0.1, 0.0])).astype(np.float32)
    source = sampler(5, seed=5, **values)
    drawn = np.array([source.draw(logits) for _ in range(100_000)])
    assert chi_square(drawn, np.array(expected)) < 45.1


def test_zero_temperature_takes_the_best_token_whatever_else_is_set() -> None:
    best = int(ROW.argmax())
    for values in ({}, {"top_k": 40, "top_p": 0.1, "min_p": 0.5}):
        assert sampler(len(ROW), temperature=0.0, **values).draw(ROW) == best
    punished = sampler(len(ROW), temperature=0.0, repetition_penalty=2.0, repetition_penalty_range=-1)
    assert punished.draw(ROW, [best]) == int(np.argsort(ROW)[-2])


def test_neutral_steps_are_not_in_the_chain() -> None:
    assert active(arrange(()), NEUTRAL) == ()
    assert [step.name for step in active(arrange(()), {**NEUTRAL, "min_p": 0.1})] == ["min_p"]


def test_the_order_matters() -> None:
    """Min-p 0.2 keeps two of 0.75, 0.2, 0.05; after a temperature of 2 it keeps all three."""
    logits = np.log(np.array([0.75, 0.2, 0.05])).astype(np.float32)
    values = {**NEUTRAL, "temperature": 2.0, "min_p": 0.2}

    def drawn(order: tuple[str, ...]) -> set[int]:
        source = Sampler(SamplingParams(values=values, order=order, seed=1), Lexicon(3))
        return {source.draw(logits) for _ in range(300)}

    assert drawn(("min_p", "temperature")) == {0, 1}
    assert drawn(("temperature", "min_p")) == {0, 1, 2}


def test_tokens_that_are_taken_back_are_drawn_again() -> None:
    """Also by steps that remember and steps that toss coins."""
    source = sampler(len(ROW), mirostat_mode=2, mirostat_tau=3.0, mirostat_eta=0.3, xtc_probability=0.5)
    tokens: list[int] = []
    places = []
    for _ in range(20):
        places.append(source.place)
        tokens.append(source.draw(ROW, tokens))
    source.place = places[5]
    again = tokens[:5]
    while len(again) < 20:
        again.append(source.draw(ROW, again))
    assert again == tokens


def test_a_history_that_is_cut_back_and_goes_on_otherwise_is_the_one_that_counts() -> None:
    """Every token but one is punished out of reach."""
    logits = np.zeros(4, dtype=np.float32)
    values = {"presence_penalty": 10.0, "repetition_penalty_range": -1, "temperature": 0.0}
    source = sampler(4, **values)
    assert [source.draw(logits, text) for text in ([0, 1, 2], [0, 1], [0, 1, 3], [0, 2, 3])] == [3, 2, 2, 1]
    assert source.draw(logits, [1, 2, 3]) == 0


def test_the_answer_begins_where_the_first_draw_is() -> None:
    """Minimum length and the encoder's penalty know what is prompt."""
    logits = np.array([1.0, 0.9, 0.8], dtype=np.float32)
    values = {**NEUTRAL, "temperature": 0.0, "min_tokens": 2}
    source = Sampler(SamplingParams(values), Lexicon(3, (0,)))
    text = [2, 2]
    for _ in range(3):
        text.append(source.draw(logits, text))
    assert text == [2, 2, 1, 1, 0]


@pytest.mark.parametrize("order", [("top_k", "top_z"), ("top_k", "top_k")])
def test_a_bad_order_is_refused(order: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParameter, match="names the step top_"):
        Sampler(SamplingParams(order=order), Lexicon(10))


def test_logprobs_are_the_models_own() -> None:
    logits = np.log(np.array([0.1, 0.6, 0.3])).astype(np.float32)
    of_token, best = sampler(3, temperature=0.2, top_k=1).logprobs(logits, 0, 2)
    assert of_token == pytest.approx(np.log(0.1), abs=1e-6)
    assert best == [(1, pytest.approx(np.log(0.6), abs=1e-6)), (2, pytest.approx(np.log(0.3), abs=1e-6))]
    assert sampler(3).logprobs(logits, 0, 0)[1] == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({3: np.nan}, "1 of 9 logits as NaN"),
        ({3: np.nan, 4: np.inf}, "1 of 9 logits as NaN"),
        ({4: np.inf}, "infinite logit for token 4"),
        (dict.fromkeys(range(9), -np.inf), "every one of 9 tokens a probability of zero"),
    ],
)
def test_logits_that_name_no_token_are_an_engines_failure(bad: dict[int, float], sentence: str) -> None:
    logits = np.zeros(9, dtype=np.float32)
    logits[list(bad)] = list(bad.values())
    for values in ({}, {"temperature": 0.0}):
        with pytest.raises(EngineFailed, match=sentence):
            sampler(9, **values).draw(logits)
    with pytest.raises(EngineFailed, match=sentence):
        sampler(9).logprobs(logits, 0, 1)


def test_a_row_of_another_vocabulary_is_an_engines_failure() -> None:
    with pytest.raises(EngineFailed, match="8 logits for a vocabulary of 9"):
        sampler(9).draw(np.zeros(8, dtype=np.float32))


def test_impossible_tokens_are_never_drawn() -> None:
    logits = np.full(5000, -np.inf, dtype=np.float32)
    logits[[17, 4000]] = 1.0
    source = sampler(5000, temperature=5.0)
    assert {source.draw(logits) for _ in range(200)} == {17, 4000}


def test_aliases_are_the_same_parameter() -> None:
    assert resolve({"repeat_penalty": 1.2, "repeat_last_n": 32}) == resolve({"rep_pen": 1.2, "rep_pen_range": 32})


FAMILIES: dict[str, list[dict[str, object]]] = {
    "the penalties of text-generation-webui, llama.cpp and koboldcpp": [
        {
            "repetition_penalty": 1.3,
            "repetition_penalty_range": 5,
            "frequency_penalty": 0.5,
            "presence_penalty": 0.2,
        },
        {"repeat_penalty": 1.3, "repeat_last_n": 5, "frequency_penalty": 0.5, "presence_penalty": 0.2},
        {"rep_pen": 1.3, "rep_pen_range": 5, "freq_pen": 0.5, "presence_pen": 0.2},
    ],
    "the truncations": [
        {"typical_p": 0.9, "tfs": 0.95, "top_n_sigma": 1.5, "temperature": 0.7},
        {"typical": 0.9, "tfs_z": 0.95, "nsigma": 1.5, "temp": 0.7},
    ],
    "dynamic temperature by its ends": [
        {"dynamic_temperature": True, "dynatemp_low": 0.5, "dynatemp_high": 1.5},
        {"dynatemp": True, "min_temp": 0.5, "max_temp": 1.5},
        {"dynatemp_range": 0.5, "temperature": 1.0},
    ],
    "DRY": [
        {"dry_multiplier": 0.8, "dry_range": 40, "dry_sequence_breakers": ["\n", ":"]},
        {"dry_multiplier": 0.8, "dry_penalty_last_n": 40, "dry_sequence_breakers": '["\\n", ":"]'},
        {"dry_multiplier": 0.8, "dry_penalty_last_n": 40, "dry_sequence_breakers": '"\\n", ":"'},
    ],
    "bans": [
        {"token_bans": [5, 7], "ban_eos_token": True, "min_tokens": 3},
        {"custom_token_bans": "5, 7", "ignore_eos": True, "min_length": 3},
        {"logit_bias": {"5": False, "7": -math.inf}, "use_default_badwordsids": True, "min_tokens": 3.0},
        {"logit_bias": [[5, False], [7, False]], "ignore_eos_token": True},
    ],
    "Mirostat": [{"mirostat_mode": 2, "mirostat_tau": 3.0}, {"mirostat": 2, "mirostat_tau": 3.0}],
    "off": [
        {"top_k": 0, "top_n_sigma": 0, "adaptive_target": 0},
        {"top_k": -1, "nsigma": -1, "adaptive_target": -0.01},
    ],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_request_in_different_words_gives_the_same_text(family: str) -> None:
    lexicon = Lexicon(len(ROW), (int(ROW.argmax()),), lambda token: b":" if token % 7 == 0 else b"a")
    texts = []
    for values in FAMILIES[family]:
        checked, unknown = resolve(values)
        assert unknown == []
        texts.append(text(Sampler(SamplingParams(checked, seed=3), lexicon)))
    assert all(other == texts[0] for other in texts)


def test_a_name_wins_over_its_alias_in_any_order() -> None:
    assert resolve({"temp": 0.1, "temperature": 0.2}) == resolve({"temperature": 0.2, "temp": 0.1})
    assert resolve({"temp": 0.1, "temperature": 0.2})[0] == {"temperature": 0.2}


def test_unknown_names_are_listed_and_absent_values_ignored() -> None:
    assert resolve({"top_k": 3.0, "wobble": 1, "min_p": None}) == ({"top_k": 3}, ["wobble"])
    with pytest.raises(InvalidParameter, match="no sampling parameter wobble"):
        Sampler(SamplingParams(values={"wobble": 1}), Lexicon(10))


@given(st.sampled_from(sorted(parameters())), st.floats() | st.integers() | st.text() | st.booleans())
def test_resolve_gives_a_value_of_the_parameter_or_names_it(name: str, value: object) -> None:
    parameter = parameters()[name]
    try:
        checked, unknown = resolve({name: value})
    except InvalidParameter as error:
        assert parameter.name in str(error)
    else:
        assert unknown == []
        assert parameter.check(checked[parameter.name]) == checked[parameter.name]
