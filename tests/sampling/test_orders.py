"""The order of a chain is the user's, in any program's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.parameters import SamplingParams
from samovar.sampling import steps
from samovar.sampling.chain import Chain
from samovar.sampling.orders import DEFAULT_ORDER, HEAT, ORDERS, TARGETS, complete, read_order


def chain_of(order: tuple[str, ...], **values: float | bool) -> list[str]:
    off = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
    return [step.name for step in Chain(SamplingParams({**off, **values}, order)).steps]


def test_the_default_order_is_penalties_then_truncation_then_temperature() -> None:
    values = {
        "temperature": 0.7,
        "repetition_penalty": 1.1,
        "xtc_probability": 0.5,
        "min_p": 0.1,
        "dry_multiplier": 1,
    }
    assert chain_of((), **values) == ["repetition_penalty", "dry", "min_p", "xtc", "temperature"]


@given(st.permutations(DEFAULT_ORDER))
def test_any_permutation_is_an_order(order: list[str]) -> None:
    assert complete(tuple(order)) == tuple(order)


@given(st.lists(st.sampled_from(DEFAULT_ORDER), unique=True), st.booleans())
def test_no_step_is_ever_left_out(order: list[str], last: bool) -> None:
    assert sorted(complete(tuple(order), temperature_last=last)) == sorted(steps())


def test_steps_that_an_order_does_not_name_come_before_those_it_names() -> None:
    whole = complete(("temperature", "min_p"))
    assert whole[-len(TARGETS) - 3 :] == ("temperature", "dynamic_temperature", "min_p", *TARGETS)


def test_temperature_last_puts_all_heat_behind_all_truncation() -> None:
    whole = complete(ORDERS["text-generation-webui"], temperature_last=True)
    assert whole[-len(TARGETS) - 3 :] == (*HEAT, *TARGETS[:2], "skew")
    assert chain_of(("temperature", "min_p"), min_p=0.1, temperature_last=True) == ["min_p", "temperature"]


@pytest.mark.parametrize("name", ORDERS)
def test_a_named_order_is_made_of_steps(name: str) -> None:
    assert set(ORDERS[name]) <= set(steps())
    assert len(set(ORDERS[name])) == len(ORDERS[name])


def test_llama_cpps_words_and_letters() -> None:
    words = ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"]
    letters, _ = read_order("edskypmxt")
    assert read_order([*words, "infill"]) == (tuple(n for n in letters if n != "dynamic_temperature"), ("infill",))
    assert complete(read_order(words)[0]) == complete(ORDERS["llama.cpp"])
    assert read_order(["tfs_z"]) == (("tfs",), ()), "its name for it while it had one; clients still send it"


def test_koboldcpps_numbers() -> None:
    names, unknown = read_order([6, 0, 1, 3, 4, 2, 5, 9])
    assert unknown == ("9",)
    assert names == tuple(name for name in ORDERS["koboldcpp"] if name in names)


def test_text_generation_webuis_words() -> None:
    words = ["temperature", "dynamic_temperature", "quadratic_sampling", "top_k", "tfs", "mirostat", "xtc"]
    assert read_order(words) == (tuple(words), ())


def test_a_dynamic_temperature_takes_the_place_of_the_plain_one() -> None:
    assert chain_of(("temperature", "top_k"), top_k=5, dynatemp_range=0.5) == ["dynamic_temperature", "top_k"]


def test_mirostat_takes_the_place_of_all_truncation() -> None:
    values = {"top_k": 5, "min_p": 0.1, "mirostat_mode": 2, "repetition_penalty": 1.1}
    assert chain_of((), **values) == ["repetition_penalty", "temperature", "mirostat"]


def test_greedy_decoding_needs_only_what_changes_the_best_token() -> None:
    values = {"temperature": 0.0, "top_k": 5, "top_n_sigma": 1.0, "repetition_penalty": 1.1, "mirostat_mode": 2}
    assert chain_of((), **values) == ["repetition_penalty", "temperature"]
