"""Presets of other programs: taken over with what they mean there, and with a list of what could not be."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput
from samovar.core.parameters import SamplingParams
from samovar.sampling.orders import ORDERS
from samovar.services.presets import PresetService
from samovar.services.presets.folder import preset
from samovar.services.presets.foreign import take_over

TEXTGEN = ORDERS["text-generation-webui"]

SILLYTAVERN = {
    "temp": 1.25,
    "temperature_last": True,
    "top_p": 1,
    "top_k": 0,
    "top_a": 0,
    "tfs": 1,
    "epsilon_cutoff": 0,
    "eta_cutoff": 3,
    "typical_p": 1,
    "min_p": 0.1,
    "rep_pen": 1.15,
    "rep_pen_range": 0,
    "rep_pen_decay": 0,
    "rep_pen_slope": 1,
    "no_repeat_ngram_size": 0,
    "penalty_alpha": 0,
    "num_beams": 1,
    "length_penalty": 1,
    "min_length": 0,
    "encoder_rep_pen": 1,
    "freq_pen": 0,
    "presence_pen": 0.2,
    "skew": 0,
    "do_sample": True,
    "early_stopping": False,
    "dynatemp": False,
    "min_temp": 0,
    "max_temp": 2,
    "dynatemp_exponent": 1,
    "smoothing_factor": 0.3,
    "smoothing_curve": 2,
    "dry_allowed_length": 3,
    "dry_multiplier": 0.8,
    "dry_base": 1.75,
    "dry_sequence_breakers": '["\\n", ":", "\\"", "*"]',
    "dry_penalty_last_n": 0,
    "add_bos_token": True,
    "ban_eos_token": False,
    "skip_special_tokens": True,
    "mirostat_mode": 0,
    "mirostat_tau": 5,
    "mirostat_eta": 0.1,
    "guidance_scale": 1,
    "negative_prompt": "",
    "grammar_string": "",
    "json_schema": None,
    "banned_tokens": '[11, 12]\n"shivers down"\na plain word\n',
    "ignore_eos_token": False,
    "spaces_between_special_tokens": True,
    "speculative_ngram": False,
    "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    "samplers": ["dry", "top_k", "min_p", "temperature"],
    "sampler_priority": ["temperature", "min_p", "quadratic_sampling", "invented"],
    "logit_bias": [{"id": "a", "text": "[7]", "value": -3}],
    "xtc_threshold": 0.1,
    "xtc_probability": 0,
    "nsigma": 0,
    "min_keep": 0,
    "adaptive_target": -0.01,
    "adaptive_decay": 0.9,
    "rep_pen_size": 0,
    "genamt": 350,
    "max_length": 8192,
}

KOBOLDCPP = {
    "temp": 0.9,
    "rep_pen": 1.1,
    "rep_pen_range": 0,
    "rep_pen_slope": 0,
    "top_p": 0.9,
    "top_a": 0,
    "top_k": 100,
    "typical": 1,
    "tfs": 0.95,
    "min_p": 0,
    "sampler_order": [6, 5, 0, 1, 3, 4, 2],
    "mirostat": 0,
    "mirostat_tau": 5,
    "mirostat_eta": 0.1,
    "use_default_badwordsids": False,
    "grammar": "root ::= [a-z]+",
}


def taken(content: object, filename: str = "preset.json") -> tuple[SamplingParams, tuple[str, ...]]:
    raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    file, ignored = take_over(filename, raw)
    return preset("imported", file, builtin=False).named, ignored


# SillyTavern


def test_a_sillytavern_preset_with_every_kind_of_name() -> None:
    params, ignored = taken(SILLYTAVERN)
    assert params.values == {
        "temperature": 1.25,
        "temperature_last": True,
        "eta_cutoff": 3.0,
        "min_p": 0.1,
        "repetition_penalty": 1.15,
        "repetition_penalty_range": -1,
        "repetition_penalty_slope": 1.0,
        "presence_penalty": 0.2,
        "smoothing_factor": 0.3,
        "smoothing_curve": 2.0,
        "dry_multiplier": 0.8,
        "dry_base": 1.75,
        "dry_allowed_length": 3,
        "dry_range": -1,
        "dry_sequence_breakers": ("\n", ":", '"', "*"),
        "token_bans": (11, 12),
        "logit_bias": {7: -3.0},
    }
    assert params.order == ("temperature", "min_p", "quadratic_sampling")
    assert sorted(ignored) == ["banned_strings", "banned_tokens", "genamt", "invented", "max_length"]


def test_sillytavern_s_zero_is_the_whole_text_and_its_other_ranges_are_what_they_say() -> None:
    for theirs, own in ((0, -1), (-1, -1), (512, 512)):
        params, _ = taken({"temp": 1, "rep_pen": 1.2, "rep_pen_range": theirs})
        assert params.values["repetition_penalty_range"] == own
        params, _ = taken({"temp": 1, "dry_multiplier": 1, "dry_penalty_last_n": theirs})
        assert params.values["dry_range"] == own


def test_sillytavern_s_dynamic_temperature() -> None:
    on = {"temp": 1, "dynatemp": True, "min_temp": 0.5, "max_temp": 2.5, "dynatemp_exponent": 0.9}
    assert taken(on)[0].values == {
        "dynamic_temperature": True,
        "dynatemp_low": 0.5,
        "dynatemp_high": 2.5,
        "dynatemp_exponent": 0.9,
    }
    assert taken({**on, "dynatemp": False, "top_k": 3})[0].values == {"top_k": 3}


def test_sillytavern_s_xtc_mirostat_and_the_rest_of_the_family() -> None:
    theirs = {
        "temp": 1,
        "xtc_probability": 0.5,
        "xtc_threshold": 0.15,
        "mirostat_mode": 2,
        "mirostat_tau": 6,
        "mirostat_eta": 0.2,
        "tfs": 0.9,
        "top_a": 0.2,
        "typical_p": 0.95,
        "epsilon_cutoff": 3,
        "encoder_rep_pen": 1.05,
        "freq_pen": 0.1,
        "no_repeat_ngram_size": 4,
        "nsigma": 1.5,
        "skew": 0.5,
        "adaptive_target": 0.5,
        "adaptive_decay": 0.8,
        "ban_eos_token": True,
        "min_length": 20,
    }
    params, ignored = taken(theirs)
    own = {"encoder_rep_pen": "encoder_repetition_penalty", "freq_pen": "frequency_penalty"}
    own |= {"nsigma": "top_n_sigma", "min_length": "min_tokens"}
    assert params.values == {own.get(name, name): value for name, value in theirs.items() if name != "temp"}
    assert ignored == ()


def test_sillytavern_s_switch_for_drawing_at_all() -> None:
    assert taken({"temp": 1.3, "do_sample": False, "rep_pen": 1})[0].values["temperature"] == 0


def test_sillytavern_s_master_export() -> None:
    assert taken({"instruct": {}, "context": {}, "preset": SILLYTAVERN}) == taken(SILLYTAVERN)


# koboldcpp


def test_a_koboldcpp_preset() -> None:
    params, ignored = taken(KOBOLDCPP)
    assert params.values == {
        "temperature": 0.9,
        "repetition_penalty": 1.1,
        "repetition_penalty_range": 1,
        "repetition_penalty_slope": 1.0,
        "top_p": 0.9,
        "top_k": 100,
        "tfs": 0.95,
    }
    assert params.order[:6] == (
        "repetition_penalty",
        "frequency_penalty",
        "presence_penalty",
        "temperature",
        "dynamic_temperature",
        "quadratic_sampling",
    )
    assert params.order[6:] == ("top_k", "top_a", "tfs", "typical_p", "top_p", "min_p", "xtc")
    assert ignored == ("grammar",)


def test_koboldcpp_s_own_defaults_hold_where_it_says_nothing() -> None:
    params, _ = taken({"rep_pen": 1.1, "dry_multiplier": 0.8, "xtc_probability": 0.5})
    assert params.values["repetition_penalty_range"] == params.values["dry_range"] == 320
    assert params.values["xtc_threshold"] == 0.2
    assert params.order == ORDERS["koboldcpp"]


@pytest.mark.parametrize(("theirs", "own"), [(0, -1), (320, 320)])
def test_koboldcpp_s_dry_looks_at_the_whole_text_for_zero(theirs: int, own: int) -> None:
    params, _ = taken({"rep_pen": 1, "dry_multiplier": 0.8, "dry_penalty_last_n": theirs})
    assert params.values["dry_range"] == own


def test_a_story_saved_by_koboldcpp_s_page() -> None:
    settings = {
        "temperature": 0.7,
        "typ_s": 0.9,
        "tfs_s": 1,
        "miro_type": 0,
        "dynatemp_range": 0.2,
        "chatname": "You",
        "opmode": 4,
        "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    }
    params, ignored = taken({"gamestarted": True, "prompt": "…", "savedsettings": settings})
    assert params.values == {
        "temperature": 0.7,
        "typical_p": 0.9,
        "dynatemp_range": 0.2,
    }
    assert ignored == (), "what a page remembers about itself is nothing that is missed"


def test_a_launchers_configuration_with_its_defaults_for_requests() -> None:
    params, _ = taken({"model": "x.gguf", "gendefaults": '{"temperature": 0.3, "top_k": 20}'}, "mine.kcpps")
    assert params.values == {"temperature": 0.3, "top_k": 20}


# text-generation-webui


def test_a_textgen_preset_means_neutral_where_it_says_nothing() -> None:
    params, ignored = taken("temperature: 1.5\nmin_p: 0.1\nxtc_probability: 0.5\n", "Creative.yaml")
    assert params.values == {"temperature": 1.5, "min_p": 0.1, "xtc_probability": 0.5}
    assert params.order == TEXTGEN, "there the temperature comes before truncation"
    assert ignored == ()


@pytest.mark.parametrize(("theirs", "own"), [(None, 1024), (0, -1), (99, 99)])
def test_textgen_s_range_of_penalties_is_dry_s_too_and_zero_is_the_whole_text(theirs: int | None, own: int) -> None:
    line = "" if theirs is None else f"repetition_penalty_range: {theirs}\n"
    params, _ = taken(f"repetition_penalty: 1.1\ndry_multiplier: 0.8\n{line}", "x.yaml")
    assert params.values["repetition_penalty_range"] == params.values["dry_range"] == own


def test_textgen_s_greedy_preset() -> None:
    assert taken("do_sample: False\n", "Debug-deterministic.yaml")[0].values == {"temperature": 0.0}


def test_textgen_s_dynamic_temperature() -> None:
    text = "dynamic_temperature: true\ndynatemp_low: 0.01\ndynatemp_high: 2\ntemperature_last: true\n"
    assert taken(text, "x.yaml")[0].values == {
        "dynamic_temperature": True,
        "dynatemp_low": 0.01,
        "dynatemp_high": 2.0,
        "temperature_last": True,
    }


ORDER_AS_QUOTED = "sampler_priority: 'temperature\n\n  top_k\n\n  min_p'\n"
ORDER_AS_BLOCK = "sampler_priority: |-\n  temperature\n  top_k\n  min_p\n"
ORDER_AS_LIST = "sampler_priority:\n- temperature\n- top_k\n- min_p\n"
ORDER_IN_BRACKETS = "sampler_priority: [temperature, top_k, min_p]\n"


@pytest.mark.parametrize("order", [ORDER_AS_QUOTED, ORDER_AS_BLOCK, ORDER_AS_LIST, ORDER_IN_BRACKETS])
def test_textgen_s_order_however_it_is_written(order: str) -> None:
    params, _ = taken(f"top_k: 3\n{order}top_p: 0.5\n", "x.yaml")
    assert params.order == ("temperature", "top_k", "min_p")
    assert params.values == {"top_k": 3, "top_p": 0.5}


def test_textgen_s_texts_and_what_is_not_sampling() -> None:
    text = """dry_multiplier: 0.8
dry_sequence_breakers: '"\\n", ":", "--"'
custom_token_bans: 1, 2
guidance_scale: 1.5
prompt_lookup_num_tokens: 0
custom_stopping_strings: '"###"'
max_new_tokens: 512
"""
    params, ignored = taken(text, "x.yaml")
    assert params.values["dry_sequence_breakers"] == ("\n", ":", "--")
    assert params.values["token_bans"] == (1, 2)
    assert ignored == ("guidance_scale", "custom_stopping_strings", "max_new_tokens")


# All


def test_a_value_outside_its_range_is_left_and_named() -> None:
    params, ignored = taken({"temp": 99, "top_k": 5, "rep_pen": "much"})
    assert params.values == {"top_k": 5}
    assert ignored == ("temp", "rep_pen")


def test_one_of_ours() -> None:
    own = {"about": "For tea", "values": {"top_k": 3, "top_q": 4}, "order": ["top_k"]}
    file, ignored = take_over("Tea.json", json.dumps(own).encode())
    assert (file.about, file.values, file.order) == ("For tea", {"top_k": 3}, ("top_k",))
    assert ignored == ("top_q",)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "hello",
        '{"name": "a character"}',
        '{"temp"',
        "- a\n- b\n",
        "key: {a: b}\n",
        "a: &x 1\n",
        "a:\n  b: 1\n",
        "just: words\n",
    ],
)
def test_any_other_file_is_refused(content: str) -> None:
    with pytest.raises(InvalidInput):
        take_over("thing.json", content.encode())


YAMLISH = st.text("a: '\"\n-[]|\\1,#", max_size=80)


@given(st.binary(max_size=400) | (st.text(max_size=400) | YAMLISH).map(str.encode))
def test_no_file_breaks_anything(raw: bytes) -> None:
    try:
        file, _ = take_over("file", raw)
    except InvalidInput:
        return
    preset("file", file, builtin=False)


async def test_an_import_is_saved_under_a_free_name_like_the_files(tmp_path: Path) -> None:
    presets = PresetService(tmp_path / "presets")
    raw = json.dumps(KOBOLDCPP).encode()
    files = ("Tea.json", "tea.JSON", "Creative.json", "…?.json")
    names = [(await presets.take(f"C:\\presets\\{file}", raw)).preset.name for file in files]
    assert names == ["Tea", "tea 2", "Creative 2", "…"]
    assert (await presets.get("tea 2")).named.values["top_k"] == 100


def test_infinite_numbers_do_no_harm() -> None:
    params, ignored = taken("temperature: 1e999\ntop_k: 3\nmin_p: .inf\n", "x.yaml")
    assert params.values == {"top_k": 3}
    assert ignored == ("temperature", "min_p")
    assert all(math.isfinite(value) for value in params.values.values() if isinstance(value, float))
