"""Banned strings on the starter model: they do not come, however likely, and the answer still reads on."""

from tests.e2e.conftest import Served

ASK = {"prompt": "The capital of France is", "temperature": 0, "max_tokens": 30}


def test_a_banned_string_does_not_come(starter: Served) -> None:
    plain = starter.post("/v1/completions", ASK).json()["choices"][0]["text"]
    assert "Paris" in plain
    banned = starter.post("/v1/completions", ASK | {"banned_strings": ["Paris", "the"]}).json()
    assert "Paris" not in banned["choices"][0]["text"]
    assert "the" not in banned["choices"][0]["text"]
    assert banned["usage"]["completion_tokens"] == 30 or banned["choices"][0]["finish_reason"] == "stop"
    loud = ASK | {"banned_strings": ["PARIS"], "banned_strings_ignore_case": True}
    assert "paris" not in starter.post("/v1/completions", loud).json()["choices"][0]["text"].lower()


def test_the_stream_never_shows_what_is_taken_back(starter: Served) -> None:
    body = ASK | {"banned_strings": ["Paris"], "stream": True}
    with starter.client() as client, client.stream("POST", "/v1/completions", json=body) as stream:
        assert "Paris" not in "".join(stream.iter_lines())
