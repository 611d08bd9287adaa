"""Vectors of texts, likelihoods of prompts and texts with a hole, over HTTP with the real OpenAI client."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.e2e.conftest import Serve, Served
from tests.support.tiny_llama import TinyLlama

MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


@pytest.fixture
def client(starter: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{starter.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        yield client


def vectors(client: openai.OpenAI, *texts: str) -> list[list[float]]:
    return [one.embedding for one in client.embeddings.create(model="default", input=list(texts)).data]


def alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_texts_that_mean_the_same_are_nearer(client: openai.OpenAI) -> None:
    cat, rug, market = vectors(
        client, "A cat sat on the mat", "The cat sits on a rug", "Stock markets fell sharply"
    )
    assert math.hypot(*cat) == pytest.approx(1, abs=1e-5)
    assert alike(cat, rug) > alike(cat, market) + 0.05
    assert vectors(client, "A cat sat on the mat") == [cat]


def test_a_text_that_is_too_long_is_refused_with_its_numbers(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"3001.*2048") as refused:
        vectors(client, "short", "word " * 3000)
    assert refused.value.code == "context_length_exceeded"


def test_a_prompt_is_as_likely_as_its_tokens_are_one_by_one(client: openai.OpenAI) -> None:
    """Each token of the prompt, asked for as the answer to what stands before it."""
    prompt = "The capital of France is Paris."
    whole = client.completions.create(model="default", prompt=prompt, echo=True, logprobs=5, max_tokens=0).choices[
        0
    ]
    assert whole.text == prompt
    assert whole.logprobs is not None
    places = list(zip(whole.logprobs.text_offset or (), whole.logprobs.tokens or (), strict=True))
    assert all(prompt[at : at + len(token)] == token for at, token in places)
    compared = 0
    for i, (at, token) in enumerate(places[1:], start=1):
        step = client.completions.create(
            model="default", prompt=prompt[:at], logprobs=20, max_tokens=1, temperature=0
        )
        (top,) = step.choices[0].logprobs.top_logprobs or ()
        if token in top:
            # A quantised model rounds what it computes, by a little more or less from batch to batch.
            assert (whole.logprobs.token_logprobs or [])[i] == pytest.approx(top[token], abs=0.1)
            compared += 1
    assert compared >= 3


def test_a_model_that_cannot_fill_in_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="suffix"):
        client.completions.create(model="default", prompt="def f():", suffix="return 1")


def test_a_hole_is_filled_in_as_the_model_was_taught(serve: Serve, tmp_path: Path) -> None:
    model = TinyLlama().write(tmp_path / "coder.gguf", marks=MARKS)
    served = serve("--model", str(model), "--ctx", "512")
    before, after = "def the_other(one):", "    return one"
    greedy: dict[str, object] = {"temperature": 0, "max_tokens": 24, "seed": 1}
    filled = served.post("/v1/completions", {"prompt": before, "suffix": after, **greedy}).json()
    written = {"prompt": f"{MARKS[0]}{before}{MARKS[1]}{after}{MARKS[2]}", **greedy}
    assert filled["choices"][0]["text"] == served.post("/v1/completions", written).json()["choices"][0]["text"]
    assert filled["choices"][0]["text"]
    tokens = served.post("/v1/completions", {"prompt": [50, 60], "suffix": after, **greedy})
    assert tokens.status_code == 400
