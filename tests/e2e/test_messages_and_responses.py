"""The real `anthropic` package, and `openai`'s responses, against the real server with the real starter model."""

import json
from collections.abc import Iterator

import anthropic
import openai
import pytest
from anthropic.resources import Messages
from openai.resources.responses import Responses

from tests.e2e.conftest import Serve, Served

QUESTION = "What is the capital of France? Answer in one sentence."
ASKED = {"model": "default", "max_tokens": 30, "messages": [{"role": "user", "content": QUESTION}]}
GREEDY = {"temperature": 0, "seed": 1}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture(scope="module")
def messages(starter: Served) -> Iterator[Messages]:
    http = anthropic.DefaultHttpxClient(trust_env=False)
    with anthropic.Anthropic(base_url=starter.url, api_key="none", max_retries=0, http_client=http) as client:
        yield client.messages


def responses_of(served: Served) -> Responses:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=60).responses


def test_one_question_has_one_answer_in_every_shape(messages: Messages, starter: Served) -> None:
    responses = responses_of(starter)
    whole = messages.create(**ASKED, extra_body=GREEDY).content[0].text
    with messages.stream(**ASKED, extra_body=GREEDY) as stream:
        streamed = stream.get_final_text()
    asked = {"model": "default", "input": QUESTION, "max_output_tokens": 30, "extra_body": GREEDY}
    with responses.stream(model="default", input=QUESTION, max_output_tokens=30, extra_body=GREEDY) as events:
        assert whole == streamed == responses.create(**asked).output_text == events.get_final_response().output_text
    assert "Paris" in whole


def test_what_is_counted_is_what_is_read(messages: Messages, starter: Served) -> None:
    spent = messages.create(**ASKED).usage
    counted = messages.count_tokens(model="default", messages=ASKED["messages"]).input_tokens
    assert counted == spent.input_tokens + (spent.cache_read_input_tokens or 0)
    assert counted == responses_of(starter).input_tokens.count(model="default", input=QUESTION).input_tokens


def test_a_prefilled_answer_is_gone_on_with(messages: Messages) -> None:
    turns = [*ASKED["messages"], {"role": "assistant", "content": "The capital of France is"}]
    answer = messages.create(**{**ASKED, "messages": turns, "max_tokens": 4}, extra_body=GREEDY)
    assert answer.content[0].text.startswith(" Paris")


def test_a_call_that_is_asked_for_is_made_by_its_schema(messages: Messages, starter: Served) -> None:
    tool = {"name": "get_weather", "description": "The weather in a city.", "input_schema": SCHEMA}
    choice = {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True}
    with messages.stream(
        **{**ASKED, "max_tokens": 80}, tools=[tool], tool_choice=choice, extra_body=GREEDY
    ) as stream:
        answer = stream.get_final_message()
    (used,) = answer.content
    assert (used.type, used.name, list(used.input)) == ("tool_use", "get_weather", ["city"])
    assert answer.stop_reason == "tool_use"
    function = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}
    made = responses_of(starter).create(
        model="default",
        input=QUESTION,
        tools=[function],
        tool_choice={"type": "function", "name": "get_weather"},
        parallel_tool_calls=False,
        max_output_tokens=80,
        extra_body=GREEDY,
    )
    (call,) = made.output
    assert (call.type, call.name, list(json.loads(call.arguments))) == ("function_call", "get_weather", ["city"])


def test_the_next_request_finds_the_one_before_it_computed(starter: Served) -> None:
    responses = responses_of(starter)
    first = responses.create(model="default", input="Name a colour that I may like.", max_output_tokens=12)
    second = responses.create(model="default", input="And?", max_output_tokens=4, previous_response_id=first.id)
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.input_tokens_details.cached_tokens >= first.usage.total_tokens - 1


def test_a_response_outlives_the_server_that_gave_it(serve: Serve) -> None:
    served = serve("--model", "echo:reply=hello", "--ctx", "256")
    first = responses_of(served).create(model="default", input="One?")
    served.kill()
    responses = responses_of(serve("--model", "echo:reply=hello", "--ctx", "256", home=served.home))
    assert responses.retrieve(first.id).output_text == first.output_text == "hello"
    second = responses.create(model="default", input="Two?", previous_response_id=first.id)
    listed = [item.content[0].text for item in responses.input_items.list(second.id, order="asc")]
    assert listed == ["One?", "hello", "Two?"]
