"""Guidance on the starter model: the answer moves away from the negative prompt, measurably."""

from __future__ import annotations

import math

import pytest

from tests.e2e.conftest import Served

ABOUT_CATS = "I love cats. Cats are the best. My favorite animal is the"
ABOUT_DOGS = "I love dogs. Dogs are the best. My favorite animal is the"


def share_of(starter: Served, word: str, scale: float) -> float:
    """The share of `word` among 160 draws of the next token."""
    body = {"prompt": ABOUT_CATS, "negative_prompt": ABOUT_DOGS, "guidance_scale": scale, "max_tokens": 1, "n": 40}
    free = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    replies = [starter.post("/v1/completions", body | free | {"seed": 1000 * seed}).json() for seed in range(4)]
    return sum(choice["text"].strip() == word for reply in replies for choice in reply["choices"]) / 160


def test_a_word_of_the_prompt_rises_with_the_scale_and_one_of_the_negative_prompt_falls(starter: Served) -> None:
    cats = [share_of(starter, "cat", scale) for scale in (0.0, 1.0, 2.0)]
    assert cats[0] + 0.1 < cats[1] < cats[2], cats
    assert share_of(starter, "dog", 0.0) > share_of(starter, "dog", 2.0) + 0.1


def test_a_guided_answer_is_another_one_and_asked_again_it_reads_no_prompt(starter: Served) -> None:
    """That it is the same one is promised of models that are not quantised: `tests/runtime/test_same_text.py`."""
    body = {
        "messages": [
            {"role": "system", "content": "Talk like a pirate."},
            {"role": "user", "content": "Say hello."},
        ],
        "negative_prompt": "Talk like a banker.",
        "guidance_scale": 2.0,
        "temperature": 0,
        "max_tokens": 24,
    }
    first = starter.post("/v1/chat/completions", body).json()
    second = starter.post("/v1/chat/completions", body).json()
    plain = starter.post("/v1/chat/completions", body | {"guidance_scale": 1.0}).json()
    assert plain["choices"][0]["message"] != first["choices"][0]["message"]
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == second["usage"]["prompt_tokens"]


@pytest.mark.parametrize("scale", [-1, 21, "much", math.pi * 100])
def test_a_scale_out_of_range_is_refused_with_the_range(starter: Served, scale: object) -> None:
    reply = starter.post("/v1/completions", {"prompt": "a", "guidance_scale": scale})
    assert reply.status_code in (400, 422)
    assert "guidance_scale" in reply.text
