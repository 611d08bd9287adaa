"""`echo`: a completion that begins with its prompt, and says how likely each of its tokens was."""

from __future__ import annotations

import json

import openai
import pytest

from samovar.api.dialects.openai.echo import prompt_logprobs
from samovar.core.errors import SamovarError
from samovar.core.events import Alternative, Delta, Event, Finish, PromptTokens, TokenDetail
from samovar.core.requests import Completion
from tests.api.conftest import MODEL, Served, done


def scripted(completion: Completion) -> list[Event | SamovarError | None]:
    """A prompt's bytes as its tokens, and an answer of two tokens, unless none is wanted."""
    prompt = completion.prompt.encode() if isinstance(completion.prompt, str) else bytes(completion.prompt or ())
    events: list[Event | SamovarError | None] = []
    if completion.prompt_logprobs is not None:
        others = (Alternative(63, b"?", -0.1),)[: completion.prompt_logprobs]
        details = [TokenDetail(byte, bytes([byte]), -1.5 if i else None, others) for i, byte in enumerate(prompt)]
        events.append(PromptTokens(tuple(details)))
    for choice in range(completion.n):
        for piece in (b"!", "é".encode()) if completion.max_tokens else ():
            logprob = None if completion.logprobs is None else -0.5
            events.append(Delta(choice, piece.decode(), (TokenDetail(1, piece, logprob),)))
        events.append(Finish(choice, "length"))
    return [*events, done(spoken=2)]


@pytest.fixture
def client(served: Served) -> openai.OpenAI:
    served.answers.script = scripted
    return served.client()


def test_the_answer_begins_with_the_prompt(client: openai.OpenAI, served: Served) -> None:
    answer = client.completions.create(model=MODEL, prompt=["ab", "cd"], echo=True, n=2, max_tokens=5)
    assert [choice.text for choice in answer.choices] == ["ab!é", "ab!é", "cd!é", "cd!é"]
    assert [choice.logprobs for choice in answer.choices] == [None] * 4
    assert all(asked.prompt_logprobs is None for asked in served.answers.asked)


def test_token_ids_are_echoed_as_their_text(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=[104, 105], echo=True, max_tokens=5)
    assert answer.choices[0].text == "hi!é"
    scored = client.completions.create(model=MODEL, prompt=[104, 105], echo=True, max_tokens=5, logprobs=0)
    assert scored.choices[0].text == "hi!é"


def test_without_max_tokens_only_the_prompt_comes_back(client: openai.OpenAI, served: Served) -> None:
    answer = client.completions.create(model=MODEL, prompt="ab", echo=True, max_tokens=0, logprobs=1)
    assert answer.choices[0].text == "ab"
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.token_logprobs == [None, -1.5]
    assert served.answers.asked[0].max_tokens == 0


def test_likelihoods_of_prompt_and_answer_are_one_list(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt="ab", echo=True, max_tokens=5, logprobs=1)
    found = answer.choices[0].logprobs
    assert found is not None
    assert found.tokens == ["a", "b", "!", "é"]
    assert found.token_logprobs == [None, -1.5, -0.5, -0.5]
    assert found.text_offset == [0, 1, 2, 3]
    assert found.top_logprobs is not None
    assert found.top_logprobs[:2] == [None, {"?": -0.1, "b": -1.5}]


def test_several_prompts_each_have_their_own(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["ab", "cde"], echo=True, n=2, max_tokens=0, logprobs=0)
    assert [choice.text for choice in answer.choices] == ["ab", "ab", "cde", "cde"]
    assert [len(one.logprobs.tokens or ()) for one in answer.choices if one.logprobs] == [2, 2, 3, 3]


@pytest.mark.parametrize("logprobs", [None, 1])
def test_a_stream_joined_is_the_whole_answer(client: openai.OpenAI, logprobs: int | None) -> None:
    ask = {"model": MODEL, "prompt": ["ab", "cd"], "echo": True, "max_tokens": 5, "logprobs": logprobs}
    whole = client.completions.create(**ask)
    texts: dict[int, str] = {}
    offsets: dict[int, list[int]] = {}
    for chunk in client.completions.create(**ask, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
            if choice.logprobs:
                offsets.setdefault(choice.index, []).extend(choice.logprobs.text_offset)
    assert texts == {choice.index: choice.text for choice in whole.choices}
    expected = {choice.index: choice.logprobs.text_offset for choice in whole.choices if choice.logprobs}
    assert offsets == expected


def test_the_bytes_of_a_stream(served: Served) -> None:
    served.answers.script = scripted
    body = {"prompt": "ab", "echo": True, "max_tokens": 0, "logprobs": 0, "stream": True}
    with served.http() as client:
        raw = client.post("/v1/completions", json=body).content
    first, last, end = raw.decode().removesuffix("\n\n").split("\n\n")
    assert json.loads(first[6:])["choices"] == [
        {
            "index": 0,
            "text": "ab",
            "logprobs": {
                "tokens": ["a", "b"],
                "token_logprobs": [None, -1.5],
                "top_logprobs": [None, {"b": -1.5}],
                "text_offset": [0, 1],
            },
            "finish_reason": None,
        }
    ]
    assert json.loads(last[6:])["choices"][0]["finish_reason"] == "length"
    assert end == "data: [DONE]"


def test_what_the_tokenizer_puts_first_takes_no_place_in_the_text() -> None:
    tokens = [TokenDetail(1, b"<s>"), TokenDetail(2, b" \xd0", -1.0), TokenDetail(3, b"\x9f.", -1.0)]
    assert prompt_logprobs(tokens, before=4).text_offset == [0, 0, 0]
    assert prompt_logprobs([*tokens, TokenDetail(4, b"x", -1.0)], before=4).text_offset == [0, 0, 0, 2]
