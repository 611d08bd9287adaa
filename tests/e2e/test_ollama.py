"""The real `ollama` package, and SillyTavern's requests, against the real server with the real starter model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

import ollama
import pytest

from tests.e2e.conftest import Served

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
GREEDY = {"temperature": 0, "num_predict": 24, "repeat_penalty": 1.0}

SILLYTAVERN = {
    "model": "", "prompt": "Once upon a time", "stream": True, "keep_alive": -1, "raw": True,
    "options": {
        "temperature": 0.7, "top_p": 0.5, "typical_p": 1, "min_p": 0, "frequency_penalty": 0, "presence_penalty": 0,
        "top_k": 40, "stop": ["\nUser:", "<|im_end|>"], "seed": 42, "repeat_penalty": 1.2, "repeat_last_n": 0,
        "num_predict": 24, "num_ctx": 8192,
    },
}  # fmt: skip
"""What its Ollama type sends."""


@pytest.fixture(scope="module")
def client(starter: Served) -> Iterator[ollama.Client]:
    with ollama.Client(starter.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def model(client: ollama.Client) -> str:
    (only,) = client.list().models
    assert only.model
    return only.model


def test_the_model_answers_whole_and_in_lines(client: ollama.Client, model: str) -> None:
    whole = client.chat(model, QUESTION, options=GREEDY)
    lines = list(client.chat(model, QUESTION, options=GREEDY, stream=True))
    assert "Paris" in (whole.message.content or "")
    assert "".join(line.message.content or "" for line in lines) == whole.message.content
    assert lines[-1].eval_count == whole.eval_count
    assert lines[-1].prompt_eval_count == whole.prompt_eval_count


def test_sillytaverns_request_gives_the_text_that_ours_gives(starter: Served) -> None:
    lines = starter.post("/api/generate", SILLYTAVERN).text.splitlines()
    ours = {
        "prompt": SILLYTAVERN["prompt"], "max_tokens": 24, "seed": 42, "temperature": 0.7, "top_p": 0.5, "min_p": 0,
        "top_k": 40, "repetition_penalty": 1.2, "repetition_penalty_range": 0, "stop": ["\nUser:", "<|im_end|>"],
    }  # fmt: skip
    text = starter.post("/v1/completions", ours).json()["choices"][0]["text"]
    assert "".join(json.loads(line)["response"] for line in lines) == text != ""


def test_a_conversation_goes_on_from_its_tokens(client: ollama.Client, model: str) -> None:
    first = client.generate(model, "The secret word is samovar. Repeat it.", options=GREEDY)
    assert first.context
    second = client.generate(model, "Again.", context=first.context, options=GREEDY)
    assert second.context
    assert list(second.context[: len(first.context)]) == list(first.context)
    assert second.prompt_eval_count == len(second.context) - (second.eval_count or 0)


def test_an_answer_keeps_to_its_schema(client: ollama.Client, model: str) -> None:
    schema = {"type": "object", "properties": {"year": {"type": "integer", "maximum": 9999}}, "required": ["year"]}
    answer = client.generate(model, "When did the war end?", format=schema, options={**GREEDY, "num_predict": 60})
    assert isinstance(json.loads(answer.response or "")["year"], int)


def test_a_call_that_must_be_made_is_made(starter: Served, model: str) -> None:
    city = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": city}}
    asked = {"model": model, "messages": QUESTION, "tools": [tool], "tool_choice": "required", "options": GREEDY}
    answer = starter.post("/api/chat", {**asked, "parallel_tool_calls": False, "stream": False}).json()
    (call,) = answer["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert set(call["function"]["arguments"]) == {"city"}


def test_texts_that_are_alike_have_vectors_that_are(client: ollama.Client, model: str) -> None:
    cat, kitten, tax = client.embed(model, ["a small cat", "a little kitten", "income tax law of 1913"]).embeddings
    assert math.hypot(*cat) == pytest.approx(1, abs=1e-4)
    assert _likeness(cat, kitten) > _likeness(cat, tax)


def test_what_is_loaded_and_what_its_file_says(client: ollama.Client, model: str) -> None:
    (running,) = client.ps().models
    shown = client.show(model)
    assert (running.name, running.context_length) == (model, 2048)
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    assert shown.details is not None
    assert (shown.details.parameter_size, shown.details.quantization_level) == ("134.52M", "Q4_1")


def test_a_stream_that_is_left_leaves_the_server_free(client: ollama.Client, model: str) -> None:
    stream = client.generate(model, "Tell a long story.", stream=True)
    next(stream)
    stream.close()
    assert client.generate(model, "Hi", options={"num_predict": 1}).eval_count == 1


def _likeness(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
