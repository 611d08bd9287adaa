"""KoboldAI Lite and SillyTavern against a real server: what they send gives the text that the same request gives in
our own words, at the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.dialect_cases import sse_objects
from tests.api.kobold_bodies import CLASSIC, LITE, SILLYTAVERN, Body
from tests.e2e.conftest import Served

PAYLOADS = Path(__file__).parents[3] / "shared" / "reference" / "clients-payloads.json"
GENERATE, STREAM = "/api/v1/generate", "/api/extra/generate/stream"

ORDER = [
    "dry", "repetition_penalty", "frequency_penalty", "presence_penalty", "top_k", "top_a", "tfs", "typical_p",
    "top_p", "min_p", "temperature", "dynamic_temperature", "quadratic_sampling", "xtc",
]  # fmt: skip
"""koboldcpp's usual order, in our words."""

OURS: Body = {"max_tokens": 24, "samplers": ORDER, "seed": 5, "min_p": 0, "xtc_threshold": 0.2}


def text(starter: Served, path: str, body: Body) -> str:
    reply = starter.post(path, body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    return str(found["results"][0]["text"] if "results" in found else found["choices"][0]["text"])


def test_lites_request_gives_the_text_that_ours_gives(starter: Served) -> None:
    body = LITE | {"sampler_seed": 5, "dry_multiplier": 0.8, "min_p": 0.02, "xtc_probability": 0.3}
    ours = OURS | {
        "prompt": LITE["prompt"], "temperature": 0.75, "top_p": 0.92, "top_k": 100, "min_p": 0.02,
        "repetition_penalty": 1.07, "repetition_penalty_range": 360, "repetition_penalty_slope": 0.7,
        "dry_multiplier": 0.8, "dry_range": 360, "dry_sequence_breakers": [], "xtc_probability": 0.3,
        "stop": ["<|im_start|>user", "<|im_start|>assistant"],
    }  # fmt: skip
    whole = text(starter, GENERATE, body)
    assert whole
    assert whole == text(starter, "/v1/completions", ours)


def test_sillytaverns_classic_request_gives_the_text_that_ours_gives(starter: Served) -> None:
    ours = OURS | {
        "prompt": CLASSIC["prompt"], "temperature": 1, "top_p": 0.95, "top_k": 0, "tfs": 0.9, "seed": 42,
        "repetition_penalty": 1.1, "repetition_penalty_range": 600, "stop": ["\nUser:"],
    }  # fmt: skip
    whole = text(starter, GENERATE, CLASSIC)
    assert whole
    assert whole == text(starter, "/v1/completions", ours)


def test_a_stream_says_what_the_whole_answer_says(starter: Served) -> None:
    pieces = [str(event["token"]) for event in sse_objects(starter.post(STREAM, CLASSIC).content)]
    assert len(pieces) > 2
    assert "".join(pieces) == text(starter, GENERATE, CLASSIC)


def test_sillytaverns_koboldcpp_type_gives_the_text_that_ours_gives(starter: Served) -> None:
    ours = OURS | {
        "prompt": SILLYTAVERN["prompt"], "temperature": 1, "top_p": 0.5, "top_k": 40, "seed": 42,
        "repetition_penalty": 1.2, "repetition_penalty_range": 1, "dynamic_temperature": True, "dynatemp_low": 0,
        "dynatemp_high": 2, "token_bans": [11, 12], "logit_bias": {"123": -5}, "stop": ["\nUser:", "<|im_end|>"],
        "banned_strings": ["shivers down"], "banned_strings_ignore_case": True,
    }  # fmt: skip
    whole = text(starter, "/v1/completions", SILLYTAVERN)
    assert whole
    assert whole == text(starter, "/v1/completions", ours)
    assert starter.post("/api/extra/abort", None).json()["success"] == "true"
    assert starter.post("/api/extra/tokencount", {"prompt": whole, "special": False}).json()["value"] > 0


@pytest.mark.shared
@pytest.mark.skipif(not PAYLOADS.exists(), reason="needs the clients' recorded payloads")
def test_sillytaverns_recorded_request_gives_text(starter: Served) -> None:
    body: Body = json.loads(PAYLOADS.read_text(encoding="utf-8"))["koboldcpp"]
    stream = starter.post("/v1/completions", body | {"model": None})
    chunks = sse_objects(stream.content)
    # Its grammar allows one text only.
    assert "".join(str(chunk["choices"][0]["text"]) for chunk in chunks if chunk["choices"]) == "a"


def test_placeholders_ask_as_messages_do(starter: Served) -> None:
    marked = {
        "prompt": "{{[SYSTEM]}}Be brief.{{[INPUT]}}What is the capital of France?{{[OUTPUT]}}",
        "replace_instruct_placeholders": True, "temperature": 0, "max_length": 16,
        "stop_sequence": ["{{[INPUT]}}"],
    }  # fmt: skip
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    asked = {"messages": messages, "temperature": 0, "max_tokens": 16}
    chat = starter.post("/v1/chat/completions", asked).json()["choices"][0]["message"]["content"]
    assert text(starter, GENERATE, marked) == chat


def test_a_prompt_that_is_too_long_is_cut_behind_its_memory(starter: Served) -> None:
    body = {"memory": "Tea. ", "prompt": "one two three " * 2000, "max_length": 4, "max_context_length": 256}
    reply = starter.post(GENERATE, body).json()["results"][0]
    assert reply["prompt_tokens"] == 252
    assert starter.get("/api/extra/perf").json()["last_input_count"] == 252


def test_a_banned_text_does_not_come_in_any_case(starter: Served) -> None:
    free = text(starter, GENERATE, CLASSIC | {"temperature": 0})
    word = free.split()[1]
    held = text(starter, GENERATE, CLASSIC | {"temperature": 0, "banned_tokens": [f" {word.upper()}"]})
    assert f" {word.lower()}" not in held.lower()


def test_an_answer_can_go_on_behind_its_end_and_show_it(starter: Served) -> None:
    asked: Body = {
        "prompt": "{{[INPUT]}}What is the capital of France?{{[OUTPUT]}}", "max_length": 24, "temperature": 0,
        "replace_instruct_placeholders": True,
    }  # fmt: skip
    usual = starter.post(GENERATE, asked).json()["results"][0]
    further = starter.post(GENERATE, asked | {"bypass_eos": True, "render_special": True}).json()["results"][0]
    assert usual["finish_reason"] == "stop"
    assert usual["completion_tokens"] < further["completion_tokens"] == 24
    assert further["text"].startswith(usual["text"] + "<|im_end|>")


def test_a_grammar_made_of_a_schema_holds_the_answer(starter: Served) -> None:
    properties = {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 1, "maximum": 120},
    }
    schema = {"type": "object", "properties": properties, "required": ["name", "age"]}
    grammar = starter.post("/api/extra/json_to_grammar", {"schema": schema}).json()["result"]
    said = json.loads(text(starter, GENERATE, CLASSIC | {"grammar": grammar, "max_length": 80}))
    assert list(said) == ["name", "age"]
    assert 1 <= said["age"] <= 120


def test_tokens_come_back_as_the_text_they_were(starter: Served) -> None:
    counted = starter.post("/api/extra/tokencount", {"prompt": "Самовар кипит.", "special": False}).json()
    assert counted["value"] == len(counted["ids"]) > 3
    assert starter.post("/api/extra/detokenize", {"ids": counted["ids"]}).json()["result"] == "Самовар кипит."


def test_a_grammar_is_gone_on_with_behind_a_cut_answer(starter: Served) -> None:
    body: Body = {
        "prompt": "Digits: ", "grammar": 'root ::= "0123456789" "abcdef" "."', "max_length": 4, "genkey": "digits",
    }  # fmt: skip
    said = text(starter, GENERATE, body)
    assert 0 < len(said) < 17
    while not said.endswith("."):
        more = text(starter, GENERATE, body | {"prompt": f"Digits: {said}", "grammar_retain_state": True})
        assert more
        said += more
    assert said == "0123456789abcdef."
