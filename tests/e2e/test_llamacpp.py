"""llama.cpp's API on a real model: what it sets is what is drawn with, whichever words it is set in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve, Served, events
from tests.support.tiny_llama import TinyLlama

PROMPT = "Once upon a time there was a"
MARKS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")

SILLY = {
    "temperature": 1,
    "top_p": 0.5,
    "typical_p": 1,
    "min_p": 0,
    "repeat_penalty": 1.2,
    "rep_pen": 1.2,
    "repeat_last_n": 0,
    "rep_pen_range": 0,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "top_k": 40,
    "tfs": 1,
    "top_a": 0,
    "mirostat": 0,
    "dynamic_temperature": True,
    "dynatemp_range": 1,
    "dynatemp_low": 0,
    "dynatemp_high": 2,
    "dynatemp_exponent": 1,
    "dry_multiplier": 0,
    "dry_penalty_last_n": 0,
    "dry_sequence_breakers": ["\n", ":", '"', "*"],
    "xtc_probability": 0,
    "top_n_sigma": 0,
    "nsigma": 0,
    "adaptive_target": -0.01,
    "adaptive_decay": 0.9,
    "samplers": [
        *("penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"),
        "adaptive_p",
    ],
    "logit_bias": [[30, -5], [28, False]],
    "custom_token_bans": "11,12",
    "banned_strings": ["shivers down"],
    "seed": 42,
    "n_predict": 24,
    "cache_prompt": True,
    "guidance_scale": 1,
    "negative_prompt": "",
    "grammar": "",
    "api_type": "llamacpp",
}
"""What SillyTavern sends, but for what asks nothing of the sampler."""

OURS = {
    "temperature": 1,
    "top_p": 0.5,
    "min_p": 0,
    "top_k": 40,
    "dynatemp_range": 1,
    "repetition_penalty": 1.2,
    "repetition_penalty_range": 0,
    "logit_bias": {"30": -5, "28": False},
    "token_bans": [11, 12],
    "seed": 42,
    "max_tokens": 24,
}


def completed(starter: Served, **body: object) -> str:
    reply = starter.post("/completion", {"prompt": PROMPT, **body})
    assert reply.status_code == 200, reply.text
    assert "warnings" not in reply.json()
    return str(reply.json()["content"])


def in_our_words(starter: Served, **body: object) -> str:
    reply = starter.post("/v1/completions", {"prompt": PROMPT, **body})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["choices"][0]["text"])


def test_sillytavern_s_request_gives_what_the_same_gives_in_our_words(starter: Served) -> None:
    assert completed(starter, **SILLY) == in_our_words(starter, **OURS)


NEUTRAL = {"top_k": 0, "top_p": 1, "min_p": 0, "temperature": 1}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"samplers": [], "top_k": 1}, NEUTRAL),
        ({"samplers": ["temperature"], "temperature": 0.4, "top_k": 1}, {**NEUTRAL, "temperature": 0.4}),
        ({"samplers": "k", "top_k": 3, "temperature": 0.1}, {**NEUTRAL, "top_k": 3}),
        ({"temperature": -1}, {"temperature": 0}),
        ({"repeat_last_n": -1, "repeat_penalty": 1.5}, {"repetition_penalty": 1.5, "repetition_penalty_range": -1}),
        ({"repeat_last_n": 0, "repeat_penalty": 1.5}, {"repetition_penalty": 1.0}),
        ({"mirostat": 2, "samplers": ["top_k"]}, {"mirostat_mode": 2}),
        ({"ignore_eos": True}, {"ban_eos_token": True}),
    ],
)
def test_numbers_and_lists_mean_what_they_mean_there(
    starter: Served, theirs: dict[str, object], ours: dict[str, object]
) -> None:
    drawn = completed(starter, seed=7, n_predict=20, **theirs)
    assert drawn == in_our_words(starter, seed=7, max_tokens=20, **ours)


def lines(starter: Served, **body: object) -> Iterator[dict[str, object]]:
    asked = {"prompt": PROMPT, "stream": True, **body}
    with starter.client() as client, client.stream("POST", "/completion", json=asked) as answer:
        yield from events(answer.iter_lines())


def test_a_stream_has_a_token_an_object_with_its_probabilities(starter: Served) -> None:
    *said, last = lines(starter, n_predict=6, n_probs=3, temperature=0)
    assert [len(one["tokens"]) for one in said] == [1] * 6
    for one in said:
        (drawn,) = one["completion_probabilities"]
        assert drawn["id"] == drawn["top_logprobs"][0]["id"]
        assert bytes(drawn["bytes"]).decode() == drawn["token"] == one["content"]
    assert last["stop_type"] == "limit"


def test_tokens_make_the_text_again(starter: Served) -> None:
    tokens = starter.post("/tokenize", {"content": PROMPT, "with_pieces": True}).json()["tokens"]
    assert "".join(token["piece"] for token in tokens) == PROMPT
    ids = [token["id"] for token in tokens]
    assert starter.post("/detokenize", {"tokens": ids}).json() == {"content": PROMPT}
    asked = {"seed": 3, "n_predict": 8}
    assert completed(starter, **asked, prompt=ids) == completed(starter, **asked)
    assert completed(starter, **asked, prompt=[*ids[:3], PROMPT[len("Once upon a") :]]) == completed(
        starter, **asked
    )


def test_a_schema_holds(starter: Served) -> None:
    schema = {"type": "object", "properties": {"brewed": {"type": "boolean"}}, "required": ["brewed"]}
    closed = schema | {"additionalProperties": False}
    assert json.loads(completed(starter, json_schema=closed, n_predict=60, temperature=0)).keys() == {"brewed"}


def test_a_chat_s_template_is_that_of_the_properties(starter: Served) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    prompt = starter.post("/apply-template", {"messages": messages}).json()["prompt"]
    assert prompt.endswith("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n")
    assert "<|im_start|>" in starter.get("/props").json()["chat_template"]


def test_a_hole_is_filled_in_with_other_files_in_view(serve: Serve, tmp_path: Path) -> None:
    model = TinyLlama().write(tmp_path / "coder.gguf", marks=MARKS)
    served = serve("--model", str(model), "--ctx", "512")
    asked: dict[str, object] = {"n_predict": 16, "temperature": 0}
    hole = {"input_prefix": "def f(", "prompt": "a", "input_suffix": "):\n", **asked}
    files = {"input_extra": [{"filename": "g.py", "text": "x = 1"}]}
    filled, known = (served.post("/infill", body).json() for body in (hole, hole | files))
    written = {"prompt": f"{MARKS[0]}def f(a{MARKS[1]}):\n{MARKS[2]}", **asked}
    assert filled["content"] == completed(served, **written)
    assert known["tokens_evaluated"] > filled["tokens_evaluated"]


def test_a_model_that_cannot_fill_in_says_so(starter: Served) -> None:
    reply = starter.post("/infill", {"input_prefix": "a", "input_suffix": "b"})
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")
