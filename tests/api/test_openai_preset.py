"""OpenAI's API takes a preset's name beside the parameters."""

from __future__ import annotations

import openai
import pytest

from samovar.core.parameters import SamplingParams
from tests.api.conftest import Served

HELLO = [{"role": "user", "content": "Hello"}]


def asked(served: Served, **fields: object) -> SamplingParams:
    """What the model is asked to draw with for a chat request with `fields`."""
    served.client().chat.completions.create(model="default", messages=HELLO, extra_body=fields)  # type: ignore[arg-type]
    return served.answers.asked[-1].sampling


def test_a_preset_sets_what_the_request_does_not(served: Served) -> None:
    values = asked(served, preset="Creative", min_p=0.2, rep_pen=1.1, seed=7)
    assert values.seed == 7
    said = {"temperature": 1.1, "min_p": 0.2, "repetition_penalty": 1.1, "top_k": 0}
    assert said.items() <= values.values.items()


def test_without_one_the_products_defaults_stay(served: Served) -> None:
    for nothing in ({}, {"preset": None}, {"preset": ""}):
        assert asked(served, top_k=3, **nothing) == SamplingParams({"top_k": 3})


def test_every_prompt_of_a_completion_gets_it(served: Served) -> None:
    served.client().completions.create(model="default", prompt=["a", "b"], extra_body={"preset": "deterministic"})
    assert [one.sampling.values["temperature"] for one in served.answers.asked[-2:]] == [0, 0]


def test_an_unknown_preset_is_not_found_and_near_ones_are_named(served: Served) -> None:
    with pytest.raises(openai.NotFoundError) as told:
        asked(served, preset="determinstic")
    assert told.value.code == "preset_not_found"
    assert "deterministic" in told.value.message
    assert served.answers.asked == []
