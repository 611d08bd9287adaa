"""Answers that keep to a form, asked by the real `openai` package of a real server with the starter model."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Served

ANSWERS, AT_ONCE = 200, 4
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 16},
        "age": {"type": "integer", "minimum": 1, "maximum": 120},
        "mood": {"enum": ["glad", "sad", "so-so"]},
        "likes": {"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 2},
    },
    "required": ["name", "age", "mood", "likes"],
    "additionalProperties": False,
}
PERSON = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}
QUESTION = [{"role": "user", "content": "Make up a person. Answer with a JSON object."}]


@pytest.fixture(scope="module")
def client(starter: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{starter.url}/v1", api_key="none", max_retries=0, timeout=120)


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    extra = {
        name: fields.pop(name) for name in list(fields) if name in ("regex", "grammar", "guided_regex", "top_k")
    }
    asked = {"model": "default", "messages": QUESTION, "max_tokens": 120, **fields}
    return client.chat.completions.create(**asked, extra_body=extra)


def is_person(text: str) -> bool:
    value = json.loads(text)
    return (
        list(value) == ["name", "age", "mood", "likes"]
        and isinstance(value["name"], str)
        and 1 <= len(value["name"]) <= 16
        and type(value["age"]) is int
        and 1 <= value["age"] <= 120
        and value["mood"] in ("glad", "sad", "so-so")
        and len(value["likes"]) <= 2
        and all(isinstance(like, str) and len(like) <= 10 for like in value["likes"])
    )


def test_two_hundred_answers_under_a_schema_all_parse(client: openai.OpenAI) -> None:
    def one(seed: int) -> tuple[str, str]:
        heat = (0.0, 0.7, 1.0, 1.6)[seed % 4]
        choice = ask(client, response_format=PERSON, seed=seed, temperature=heat).choices[0]
        return choice.finish_reason, choice.message.content

    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(one, range(ANSWERS)))
    assert [(reason, text) for reason, text in told if reason != "stop" or not is_person(text)] == []
    assert len({text for _, text in told}) > ANSWERS // 4


def test_a_stream_under_a_schema_says_the_same_as_the_whole(client: openai.OpenAI) -> None:
    asked = {"response_format": PERSON, "seed": 3, "temperature": 0.8}
    chunks = list(ask(client, **asked, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ask(client, **asked).choices[0].message.content
    assert is_person(text)


def test_any_object_needs_no_schema(client: openai.OpenAI) -> None:
    choices = ask(client, response_format={"type": "json_object"}, temperature=0.3, seed=1, n=3).choices
    for choice in choices:
        if choice.finish_reason == "stop":
            assert isinstance(json.loads(choice.message.content), dict)
        else:
            assert choice.message.content.lstrip().startswith("{")


@pytest.mark.parametrize("name", ["regex", "guided_regex"])
def test_a_regular_expression(client: openai.OpenAI, name: str) -> None:
    answer = ask(client, **{name: r"(yes|no), [a-z]{3,9}\."}, temperature=1.2, seed=2)
    assert re.fullmatch(r"(yes|no), [a-z]{3,9}\.", answer.choices[0].message.content)


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "- " word ("\\n- " word){2}\nword ::= [a-z]{3,12}',
        'root ::= "- " word "\\n- " word "\\n- " word | "zzq" root\nword ::= [a-z]{3,12}',
        '%llguidance {}\nstart: "- " WORD "\\n- " WORD "\\n- " WORD\nWORD: /[a-z]{3,12}/',
    ],
    ids=["GBNF", "recursive GBNF", "Lark"],
)
def test_a_grammar(client: openai.OpenAI, grammar: str) -> None:
    answer = ask(client, grammar=grammar, temperature=0.9, seed=2, logprobs=True).choices[0]
    assert re.fullmatch(r"(zzq)*(- [a-z]{3,12}\n?){3}", answer.message.content)
    assert "".join(token.token for token in answer.logprobs.content) == answer.message.content


def test_too_few_tokens_are_an_end_by_length(client: openai.OpenAI) -> None:
    answer = ask(client, response_format=PERSON, max_tokens=5, seed=1).choices[0]
    assert answer.finish_reason == "length"
    assert answer.message.content.startswith("{")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"regex": "("}, "unclosed group"),
        ({"grammar": "root ::= missing"}, "missing"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "zonk"}}}}, "zonk"),
        ({"response_format": {"type": "xml"}}, "json_object"),
    ],
)
def test_a_bad_grammar_is_an_error_in_openai_s_shape(
    client: openai.OpenAI, fields: dict[str, Any], reason: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason) as refused:
        ask(client, **fields, stream=stream)
    assert refused.value.type == "invalid_request_error"
