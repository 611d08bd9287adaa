"""SillyTavern's text completions against a real server: each of its server types gets the text that the same
request gets in our own words, at the same seed, with every sampler in the meaning of that type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samovar.sampling.orders import DEFAULT_ORDER
from tests.api.dialect_cases import sse_objects
from tests.api.sillytavern_bodies import NEUTRAL
from tests.e2e.conftest import Served

PAYLOADS = Path(__file__).parents[3] / "shared" / "reference" / "clients-payloads.json"

Body = dict[str, object]

PROMPT = "Once upon a time, in a village by the sea, there lived a"

PLAIN: Body = {
    "prompt": PROMPT, "max_tokens": 24, "temperature": 0.7, "top_p": 0.9, "stop": ["\nUser:"], "seed": 42,
    "frequency_penalty": 0.1, "presence_penalty": 0.2, "logit_bias": {"253": -5},
}  # fmt: skip
"""What its type for any OpenAI-like server sends."""

RICH: Body = PLAIN | {
    "max_new_tokens": 24, "n_predict": 24, "num_predict": 24, "sampler_seed": 42, "temperature": 1, "top_k": 40,
    "min_p": 0.02, "typical_p": 0.9, "typical": 0.9, "top_a": 0.1, "tfs": 0.95, "repetition_penalty": 1.2,
    "rep_pen": 1.2, "repeat_penalty": 1.2, "rep_pen_range": 0, "repetition_penalty_range": 0, "repeat_last_n": 0,
    "rep_pen_slope": 1, "dynamic_temperature": True, "dynatemp_low": 0.5, "dynatemp_high": 1.5,
    "dynatemp_range": 0.5, "dynatemp_exponent": 1, "smoothing_factor": 0.2, "smoothing_curve": 1,
    "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": 0,
    "dry_sequence_breakers": '["\\n", ":", "\\"", "*"]',
    "xtc_threshold": 0.1, "xtc_probability": 0.5, "nsigma": 0, "top_n_sigma": 0, "mirostat": 0, "mirostat_mode": 0,
    "mirostat_tau": 5, "mirostat_eta": 0.1, "custom_token_bans": "11,12", "banned_strings": ["shivers down"],
    "adaptive_target": -0.01, "adaptive_decay": 0.9, "guidance_scale": 1, "negative_prompt": "", "skew": 0,
    "min_keep": 0, "ban_eos_token": False, "ignore_eos": False, "add_bos_token": True, "skip_special_tokens": True,
    "truncation_length": 8192, "num_ctx": 8192, "include_reasoning": True, "stopping_strings": ["\nUser:"],
    "api_server": "http://127.0.0.1:5001", "max_tokens_second": 0, "min_tokens": 0,
}  # fmt: skip
"""What its types with many samplers send, names and doubled names as they come."""

OURS: Body = PLAIN | {
    "temperature": 1, "top_k": 40, "min_p": 0.02, "typical_p": 0.9, "top_a": 0.1, "tfs": 0.95,
    "repetition_penalty": 1.2, "dynamic_temperature": True, "dynatemp_low": 0.5, "dynatemp_high": 1.5,
    "smoothing_factor": 0.2, "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 2,
    "dry_sequence_breakers": ["\n", ":", '"', "*"], "xtc_threshold": 0.1, "xtc_probability": 0.5,
    "token_bans": [11, 12], "banned_strings": ["shivers down"],
}  # fmt: skip
"""The same in our own words, but for what a range of 0 means."""

RANGES: dict[str, Body] = {
    "ooba": {"repetition_penalty_range": -1, "dry_range": -1},
    "tabby": {"repetition_penalty_range": -1, "dry_range": -1},
    "koboldcpp": {"repetition_penalty_range": 1, "dry_range": -1},
    "aphrodite": {"repetition_penalty_range": 0, "dry_range": -1},
}

ORDER: Body = {"sampler_priority": list(DEFAULT_ORDER)}


def text(starter: Served, body: Body) -> str:
    reply = starter.post("/v1/completions", body)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["choices"][0]["text"])


def streamed(starter: Served, body: Body) -> str:
    chunks = sse_objects(starter.post("/v1/completions", body | {"stream": True}).content)
    return "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize("kind", RANGES)
def test_every_sampler_means_what_its_server_type_means(starter: Served, kind: str) -> None:
    sent = RICH | ORDER | {"api_type": kind}
    whole = text(starter, sent)
    assert whole
    assert whole == text(starter, OURS | ORDER | RANGES[kind])
    assert whole == streamed(starter, sent)


@pytest.mark.parametrize("kind", NEUTRAL)
def test_what_its_page_sends_by_itself_gives_a_text_in_pieces(starter: Served, kind: str) -> None:
    """A token and its alternatives at a time, which its page for probabilities reads one by one."""
    path = "/completion" if kind == "llamacpp" else "/v1/completions"
    chunks = sse_objects(starter.post(path, NEUTRAL[kind] | {"stream": True}).content)
    assert not any("warnings" in chunk for chunk in chunks)
    found = [likely(kind, chunk) for chunk in chunks]
    assert [len(tokens) for tokens in found if tokens] == [1] * 16


def likely(kind: str, chunk: Body) -> list[object]:
    """A table of alternatives for each token of a chunk."""
    if kind == "llamacpp":
        return chunk.get("completion_probabilities", [])
    return [
        table for choice in chunk["choices"] if choice["logprobs"] for table in choice["logprobs"]["top_logprobs"]
    ]


def test_tokens_are_counted_by_the_model_before_one_was_chosen(starter: Served) -> None:
    """Its type for llama.cpp then names a model "undefined"; refused, it would count by a tokenizer of its own."""
    counted = starter.post("/tokenize", {"model": "undefined", "content": PROMPT}).json()["tokens"]
    assert counted == starter.post("/v1/tokenize", {"prompt": PROMPT}).json()["tokens"]


def test_the_type_for_any_server_gets_its_text_too(starter: Served) -> None:
    assert text(starter, PLAIN | {"api_type": "generic"}) == text(starter, PLAIN) != ""


def test_likelihoods_come_with_each_chunk(starter: Served) -> None:
    """SillyTavern reads one token's alternatives from each chunk."""
    sent = RICH | {"api_type": "ooba", "stream": True, "logprobs": 10, "n_probs": 10}
    chunks = sse_objects(starter.post("/v1/completions", sent).content)
    tables = [choice["logprobs"]["top_logprobs"] for c in chunks for choice in c["choices"] if choice["logprobs"]]
    assert tables
    assert all(len(table) == 1 and 10 <= len(table[0]) <= 11 for table in tables)


@pytest.mark.shared
@pytest.mark.skipif(not PAYLOADS.exists(), reason="needs the clients' recorded payloads")
@pytest.mark.parametrize("kind", ["ooba", "koboldcpp", "tabby", "aphrodite", "vllm", "generic"])
def test_recorded_bodies_give_text(starter: Served, kind: str) -> None:
    recorded = json.loads(PAYLOADS.read_text())[kind] | {"stream": False, "prompt": PROMPT, "max_tokens": 24}
    recorded.pop("model", None)
    assert text(starter, recorded)
    free = {name: value for name, value in recorded.items() if "grammar" not in name and name != "json_schema"}
    first, other = text(starter, free), text(starter, free | {"seed": 43, "sampler_seed": 43})
    assert first == text(starter, free)
    assert first != other
