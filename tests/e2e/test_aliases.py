"""The names that clients use for one thing mean one thing: the same seed gives the same text under all of them."""

from __future__ import annotations

import pytest

from samovar.sampling.registry import parameters
from tests.e2e.conftest import Served

ASK = {"prompt": "Once upon a time there was a", "max_tokens": 24, "seed": 5}
SET = {
    "temperature": 1.4,
    "top_k": 12,
    "top_p": 0.7,
    "min_p": 0.2,
    "typical_p": 0.6,
    "tfs": 0.7,
    "top_a": 0.3,
    "repetition_penalty": 1.6,
    "frequency_penalty": 1.2,
    "presence_penalty": 1.2,
    "dry_multiplier": 2.0,
    "xtc_probability": 1.0,
    "smoothing_factor": 0.6,
    "no_repeat_ngram_size": 2,
    "min_tokens": 20,
}
ALIASED = [name for name in SET if name in parameters() and parameters()[name].aliases]


def text(starter: Served, values: dict[str, object]) -> str:
    reply = starter.post("/v1/completions", ASK | values)
    assert reply.status_code == 200, reply.text
    assert "warnings" not in reply.json()
    return str(reply.json()["choices"][0]["text"])


@pytest.mark.parametrize("name", ALIASED)
def test_every_alias_gives_the_same_text(starter: Served, name: str) -> None:
    with_dry = {"dry_allowed_length": 1} if name == "dry_multiplier" else {}
    expected = text(starter, {"temperature": 1.1, **with_dry, name: SET[name]})
    for alias in parameters()[name].aliases:
        assert text(starter, {"temperature": 1.1, **with_dry, alias: SET[name]} | _temperature(name)) == expected, (
            alias
        )


def _temperature(name: str) -> dict[str, object]:
    return {"temperature": None} if name == "temperature" else {}


@pytest.mark.parametrize(
    ("name", "value"), [("top_k", 10**9), ("top_p", 1.5), ("min_p", -0.2), ("temperature", 1e9)]
)
def test_a_value_out_of_range_is_422_with_the_range(starter: Served, name: str, value: float) -> None:
    reply = starter.post("/v1/completions", ASK | {name: value})
    assert reply.status_code == 422
    error = reply.json()["error"]
    assert error["param"] == name
    assert str(int(parameters()[name].maximum)) in error["message"].replace(",", "")


def test_an_unknown_parameter_is_ignored_and_named(starter: Served) -> None:
    reply = starter.post("/v1/completions", ASK | {"sparkle": 3})
    assert reply.status_code == 200
    assert "sparkle" in str(reply.json()["warnings"])


def steps_of(starter: Served, order: dict[str, object]) -> list[str]:
    body = {"prompt": ASK["prompt"], "temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.05, **order}
    reply = starter.post("/v1/next_token", body)
    assert reply.status_code == 200, reply.text
    return [stage["step"] for stage in reply.json()["stages"][1:]]


def test_the_order_is_the_users_in_anyones_words(starter: Served) -> None:
    assert steps_of(starter, {"samplers": ["temperature", "min_p", "top_p", "top_k"]}) == [
        "temperature",
        "min_p",
        "top_p",
        "top_k",
    ]
    webui = {"sampler_priority": ["temperature", "top_k", "top_p", "min_p"]}
    assert steps_of(starter, webui)[0] == "temperature"
    assert steps_of(starter, webui | {"temperature_last": True})[-1] == "temperature"
    assert steps_of(starter, {"sampler_order": [6, 0, 1, 3, 4, 2, 5]})
    assert starter.post("/v1/completions", ASK | {"samplers": "top_k"}).status_code in (400, 422)
