"""Looking inside the starter model over HTTP: the next token step by step, and texts as tokens and back."""

import pytest

from tests.e2e.conftest import Served

ASK = {"prompt": "The capital of France is", "top": 5}


def test_the_next_token_is_shown_step_by_step(starter: Served) -> None:
    chain = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.05}
    stages = starter.post("/v1/next_token", ASK | chain).json()["stages"]
    steps = [stage["step"] for stage in stages]
    assert steps[0] == "model"
    assert {"top_k", "top_p", "min_p", "temperature"} <= set(steps)
    assert stages[0]["top"][0]["text"] == " Paris"
    assert [s["survivors"] for s in stages] == sorted((s["survivors"] for s in stages), reverse=True)
    assert next(s for s in stages if s["step"] == "top_k")["survivors"] == 20
    last = stages[-1]
    assert last["survivors"] > 5 or sum(t["probability"] for t in last["top"]) == pytest.approx(1, abs=1e-4)


def test_a_chat_can_be_looked_at_too(starter: Served) -> None:
    body = {"messages": [{"role": "user", "content": "Say yes."}], "top": 3}
    stages = starter.post("/v1/next_token", body).json()["stages"]
    assert all(len(stage["top"]) == 3 for stage in stages[:1])


@pytest.mark.parametrize("text", ["Hello, world!", "Привет, мир! 🙂", " two  spaces\n", "<|im_start|>user"])
def test_a_text_becomes_tokens_and_comes_back(starter: Served, text: str) -> None:
    spelled = starter.post("/v1/tokenize", {"text": text}).json()
    assert spelled["count"] == len(spelled["tokens"]) == len(spelled["pieces"])
    assert spelled["text"] == text
    assert starter.post("/v1/detokenize", {"tokens": spelled["tokens"]}).json()["text"] == text


def test_control_tokens_are_read_only_when_asked_for(starter: Served) -> None:
    plain = starter.post("/v1/tokenize", {"text": "<|im_start|>"}).json()
    control = starter.post("/v1/tokenize", {"text": "<|im_start|>", "special": True}).json()
    assert plain["count"] > 1
    assert control["count"] == 1


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("next_token", {"prompt": "a", "top": 0}),
        ("next_token", {"prompt": "a", "top": 10**6}),
        ("tokenize", {}),
        ("tokenize", {"text": 5}),
        ("detokenize", {"tokens": "abc"}),
        ("detokenize", {"tokens": [1.5]}),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(starter: Served, route: str, body: dict[str, object]) -> None:
    reply = starter.post(f"/v1/{route}", body)
    assert reply.status_code in (400, 422)
    assert reply.json()["error"]["message"]
