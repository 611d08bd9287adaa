"""Tools, called through the real `openai` package by a real server: the starter model, which knows no tools and is
made to call by a grammar, and answers that are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import openai
import pytest

from tests.e2e.conftest import Serve, Served

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "minLength": 2, "maxLength": 20},
                    "unit": {"enum": ["celsius", "fahrenheit"]},
                },
                "required": ["city", "unit"],
                "additionalProperties": False,
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "add",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
                "additionalProperties": False,
            },
        },
    },
]
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


def connect(served: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def client(starter: Served) -> Iterator[openai.OpenAI]:
    with connect(starter) as client:
        yield client


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    asked = {"model": "default", "messages": QUESTION, "tools": TOOLS, "max_tokens": 200, **fields}
    return client.chat.completions.create(**asked)


def fits(name: str, arguments: str) -> bool:
    given = json.loads(arguments)
    if name == "add":
        return set(given) == {"a", "b"} and all(type(value) is int for value in given.values())
    return set(given) == {"city", "unit"} and given["unit"] in ("celsius", "fahrenheit")


@pytest.mark.parametrize("seed", range(8))
def test_a_call_that_is_required_is_made_and_fits(client: openai.OpenAI, seed: int) -> None:
    fields = {"tool_choice": "required", "parallel_tool_calls": False, "seed": seed, "temperature": 1.0}
    (choice,) = ask(client, **fields).choices
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert fits(call.function.name, call.function.arguments)


def test_a_stream_of_calls_says_the_same_as_the_whole(client: openai.OpenAI) -> None:
    fields = {"tool_choice": "required", "parallel_tool_calls": False, "seed": 3, "temperature": 0.8}
    (whole,) = ask(client, **fields).choices[0].message.tool_calls
    chunks = [chunk.choices[0] for chunk in ask(client, **fields, stream=True) if chunk.choices]
    deltas = [call for chunk in chunks for call in chunk.delta.tool_calls or []]
    assert [delta.function.name for delta in deltas if delta.function.name] == [whole.function.name]
    assert len([delta for delta in deltas if delta.id]) == 1
    assert {delta.index for delta in deltas} == {0}
    assert "".join(delta.function.arguments for delta in deltas) == whole.function.arguments
    assert len(deltas) > 3, "arguments come as they are written"
    assert chunks[-1].finish_reason == "tool_calls"


def test_a_named_function_is_the_one_that_is_called(client: openai.OpenAI) -> None:
    chosen = {"type": "function", "function": {"name": "add"}}
    (call,) = ask(client, tool_choice=chosen, seed=1).choices[0].message.tool_calls
    assert call.function.name == "add"
    assert fits("add", call.function.arguments)


def test_a_model_whose_template_knows_no_tools_is_told_of_them_with_a_warning(client: openai.OpenAI) -> None:
    answer = ask(client, tool_choice="auto", temperature=0, max_tokens=8)
    assert "system message" in answer.model_extra["warnings"][0]


def test_a_schema_that_no_grammar_can_be_made_of_keeps_nobody_from_calling(client: openai.OpenAI) -> None:
    odd = [{"type": "function", "function": {"name": "add", "parameters": {"type": "zonk"}}}]
    answer = ask(client, tools=odd, tool_choice={"type": "function", "function": {"name": "add"}}, max_tokens=400)
    assert any("zonk" in warning for warning in answer.model_extra["warnings"])
    assert answer.choices[0].message.tool_calls[0].function.name == "add"


def test_an_answer_goes_on_after_the_result_of_a_call(client: openai.OpenAI) -> None:
    (call,) = (
        ask(client, tool_choice={"type": "function", "function": {"name": "add"}}, seed=1)
        .choices[0]
        .message.tool_calls
    )
    messages = [
        *QUESTION,
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "5"},
    ]
    assert (
        ask(client, messages=messages, tool_choice="none", temperature=0, max_tokens=20).choices[0].message.content
    )


def test_thoughts_and_calls_are_told_apart(serve: Serve) -> None:
    call = '{"name": "add", "arguments": {"a": 1, "b": 2}}'
    reply = f"<think>They want\na sum.</think>\n\nAdding.\n<tool_call>\n{call}\n</tool_call>"
    with connect(serve("--model", f"echo:reply={quote(reply)}")) as client:
        answer = ask(client, temperature=0)
        chunks = [chunk.choices[0].delta for chunk in ask(client, temperature=0, stream=True) if chunk.choices]
        plain = ask(client, tools=[], temperature=0).choices[0]
    (choice,) = answer.choices
    assert choice.message.reasoning_content == "They want\na sum."
    assert choice.message.content == "Adding."
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"a": 1, "b": 2}
    assert choice.finish_reason == "tool_calls"
    thought = answer.usage.completion_tokens_details.reasoning_tokens
    assert thought == len("<think>They want\na sum.</think>")
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in chunks) == "They want\na sum."
    assert "".join(delta.content or "" for delta in chunks) == "Adding."
    assert plain.message.content == reply.partition("</think>\n\n")[2], "nobody offered a tool"
