"""Tools, calls and thoughts in OpenAI's chat, against the real package and byte for byte."""

from __future__ import annotations

import json

import pytest

from samovar.api.dialects.openai import translate
from samovar.core.engine import Note
from samovar.core.errors import InvalidParameter
from samovar.core.events import Call, Delta, Done, Event, Finish, Thought, Timings, TokenDetail, Usage, Warned
from samovar.core.requests import Completion, Message, Tool, ToolCall, Tools
from tests.api.conftest import Served, done

HELLO = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FUNCTION = {"name": "add", "description": "Adds", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
ADD = Tool("add", "Adds", SCHEMA)


def asked(**fields: object) -> Completion:
    return translate.chat({"messages": [HELLO], **fields}).completions[0]


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (None, "auto"),
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        ({"type": "function", "function": {"name": "add"}}, "add"),
        ({"type": "function", "name": "add"}, "add"),
        ({"type": "auto"}, "auto"),
        ("add", "add"),
    ],
)
def test_choices(choice: object, meant: str) -> None:
    assert asked(tools=TOOLS, tool_choice=choice).tools == Tools((ADD,), meant)


def test_functions_are_tools_by_their_old_name() -> None:
    assert asked(functions=[FUNCTION], function_call={"name": "add"}).tools == Tools((ADD,), "add")
    assert asked(tools=TOOLS, parallel_tool_calls=False).tools == Tools((ADD,), "auto", parallel=False)


def test_what_is_no_function_is_left_out() -> None:
    assert asked(tools=[{"type": "web_search"}, *TOOLS]).tools == Tools((ADD,))
    assert asked(tools=[{"type": "web_search"}]).tools is None
    assert asked(tool_choice="auto").tools is None


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "sub"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].name"),
        ({"tools": "add"}, "tools"),
        ({"functions": [FUNCTION], "function_call": {"name": "sub"}}, "function_call"),
    ],
)
def test_a_choice_of_nothing_is_refused_by_name(fields: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(**fields)
    assert refused.value.facts["name"] == name


def test_a_whole_talk_with_tools() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    odd = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    messages = [
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "2"}]},
        {"role": "assistant", "tool_calls": [odd]},
        {"role": "function", "name": "add", "content": "2"},
        {"role": "assistant", "function_call": {"name": "add", "arguments": ""}},
    ]
    completion = translate.chat({"messages": messages}).completions[0]
    assert completion.messages == (
        Message("user", "Hello"),
        Message("assistant", "", reasoning="hm", tool_calls=(ToolCall("c1", "add", '{"a": 1}'),)),
        Message("tool", "2", tool_call_id="c1"),
        Message("assistant", "", tool_calls=(ToolCall("", "add", '{"a":1}'),)),
        Message("tool", "2", "add"),
        Message("assistant", "", tool_calls=(ToolCall("", "add", "{}"),)),
    )
    assert not completion.continue_last, "calls are answered, not continued"


def test_what_the_template_is_told() -> None:
    told = asked(
        reasoning_effort="low", enable_thinking=False, chat_template_kwargs={"x": [1], "enable_thinking": True}
    )
    assert told.variables == {"x": [1], "enable_thinking": False, "reasoning_effort": "low"}
    assert told.reads


def token(text: str) -> tuple[TokenDetail, ...]:
    return (TokenDetail(1, text.encode(), -0.5),)


def thinks_and_calls(_: Completion) -> list[Event]:
    return [
        Thought(0, "hm", token("hm")),
        Delta(0, "Let me.", token("Let me.")),
        Call(0, 0, "c1", "add", "", token("<tool_call>")),
        Call(0, 0, "", "", '{"a"', token('{"a"')),
        Call(0, 0, "", "", ": 1}", token(": 1}")),
        Call(0, 1, "c2", "add", "{}"),
        Warned(Note("tools.cut")),
        Finish(0, "tool_calls"),
        Done(Usage(7, 2, 9, 1), Timings(5, 1.5, 9, 2.5, 2)),
    ]


def test_the_package_reads_a_whole_answer(served: Served) -> None:
    served.answers.script = thinks_and_calls
    answer = served.client().chat.completions.create(model="default", messages=[HELLO], tools=TOOLS)  # type: ignore
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me."
    assert choice.message.model_extra == {"reasoning_content": "hm"}
    calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]  # type: ignore
    assert calls == [("c1", "add", '{"a": 1}'), ("c2", "add", "{}")]
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 1
    assert "middle of a tool call" in answer.model_extra["warnings"][0]


def chunks(served: Served, **fields: object) -> list[str]:
    """The lines of a stream, without what changes from one to the next."""
    with served.http() as http:
        raw = http.post("/v1/chat/completions", json={"messages": [HELLO], "stream": True, **fields}).text
    lines = [line for line in raw.split("\n\n") if line]
    return [line[line.index('"choices"') :] if "choices" in line else line for line in lines]


def test_a_stream_byte_for_byte(served: Served) -> None:
    served.answers.script = thinks_and_calls
    *deltas, last, end = chunks(served, tools=TOOLS)
    head, tail = '"choices":[{"index":0,"delta":', ',"logprobs":null,"finish_reason":null}]}'
    call = '{"tool_calls":[{"index":%d%s,"function":{%s}}]}'
    assert deltas == [
        head + delta + tail
        for delta in (
            '{"role":"assistant","content":""}',
            '{"reasoning_content":"hm"}',
            '{"content":"Let me."}',
            call % (0, ',"id":"c1","type":"function"', '"name":"add","arguments":""'),
            call % (0, "", '"arguments":"{\\"a\\""'),
            call % (0, "", '"arguments":": 1}"'),
            call % (1, ',"id":"c2","type":"function"', '"name":"add","arguments":"{}"'),
        )
    ]
    assert last.startswith(head + '{},"logprobs":null,"finish_reason":"tool_calls"}]')
    assert json.loads("{" + last)["warnings"]
    assert end == "data: [DONE]"


def test_an_answer_that_only_calls_has_no_content(served: Served) -> None:
    served.answers.script = lambda _: [Call(0, 0, "c1", "add", "{}"), Finish(0, "tool_calls"), done()]
    with served.http() as http:
        choice = http.post("/v1/chat/completions", json={"messages": [HELLO], "tools": TOOLS}).json()["choices"][0]
    function = {"name": "add", "arguments": "{}"}
    calls = [{"id": "c1", "function": function, "type": "function"}]
    assert choice["message"] == {"content": None, "role": "assistant", "refusal": None, "tool_calls": calls}


def test_who_speaks_of_functions_is_answered_so(served: Served) -> None:
    served.answers.script = thinks_and_calls
    with served.http() as http:
        choice = http.post("/v1/chat/completions", json={"messages": [HELLO], "functions": [FUNCTION]}).json()[
            "choices"
        ][0]
    assert choice["message"]["function_call"] == {"name": "add", "arguments": '{"a": 1}'}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"
    streamed = "".join(chunks(served, functions=[FUNCTION]))
    assert '"function_call":{"name":"add","arguments":""}' in streamed
    assert "tool_calls" not in streamed


def test_log_probabilities_are_of_all_that_was_written(served: Served) -> None:
    served.answers.script = thinks_and_calls
    with served.http() as http:
        body = {"messages": [HELLO], "tools": TOOLS, "logprobs": True}
        whole = http.post("/v1/chat/completions", json=body).json()["choices"][0]
    written = [entry["token"] for entry in whole["logprobs"]["content"]]
    assert written == ["hm", "Let me.", "<tool_call>", '{"a"', ": 1}"]
    streamed = "".join(chunks(served, tools=TOOLS, logprobs=True))
    assert streamed.count('"logprob":-0.5') == len(written)
