"""The real `anthropic` package against the app: shapes, statuses, streams, to the byte."""

import asyncio
import json
import re

import anthropic
import pytest

from samovar.core import errors as tree
from samovar.core.catalogue import say
from samovar.core.engine import Note
from samovar.core.events import Call, Delta, Event, Failed, Finish, PromptProgress, Thought, TokenDetail, Warned
from samovar.core.requests import Completion, Message
from tests.api.conftest import MODEL, Script, Served, done, says

HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {"name": "look_up", "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}}}
ASKED = {"model": MODEL, "max_tokens": 64, "messages": HELLO}

THINKS_AND_CALLS: tuple[Event, ...] = (
    PromptProgress(3, 7, 2),
    Thought(0, "A wo"),
    Thought(0, "rd."),
    Delta(0, "", (TokenDetail(1, b"\xd0"),)),
    Delta(0, "I look."),
    Call(0, 0, "call_1", "look_up", ""),
    Call(0, 0, "", "", '{"word":'),
    Call(0, 0, "", "", ' "tea"}'),
    Call(0, 1, "call_2", "look_up", "{}"),
    Finish(0, "tool_calls"),
)


def script(*events: Event | tree.SamovarError | None) -> Script:
    return lambda _: [*events, done(spoken=5)]


def test_an_answer_has_anthropic_s_shape(served: Served) -> None:
    client = served.anthropic()
    answer = client.messages.create(**ASKED, extra_body={"seed": 3})
    assert answer.id.startswith("msg_")
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")
    assert (answer.type, answer.role, answer.model) == ("message", "assistant", MODEL)
    assert [block.type for block in answer.content] == ["text"]
    assert answer.content[0].text == "Hello"
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (5, 2)
    assert (answer.usage.cache_creation_input_tokens, answer.usage.output_tokens) == (0, 2)
    assert answer.model_extra == {
        "timings": {"prompt_n": 5, "prompt_ms": 1.5, "predicted_n": 2, "predicted_ms": 2.5, "cache_n": 2}
    }
    assert served.answers.asked[0].messages == (Message("user", "Hello"),)
    assert served.answers.asked[0].sampling.seed == 3
    assert served.answers.asked[0].max_tokens == 64


@pytest.mark.parametrize(
    ("finish", "limit", "stopping"),
    [
        (Finish(0, "stop"), 64, ("end_turn", None)),
        (Finish(0, "stop", "END"), 64, ("stop_sequence", "END")),
        (Finish(0, "length"), 5, ("max_tokens", None)),
        (Finish(0, "length"), 64, ("model_context_window_exceeded", None)),
        (Finish(0, "tool_calls"), 64, ("tool_use", None)),
        (Finish(0, "cancelled"), 64, ("end_turn", None)),
    ],
)
def test_why_an_answer_stopped(
    served: Served, finish: Finish, limit: int, stopping: tuple[str, str | None]
) -> None:
    served.answers.script = script(Delta(0, "Hel"), finish)
    asked = {**ASKED, "max_tokens": limit}
    whole = served.anthropic().messages.create(**asked)
    assert (whole.stop_reason, whole.stop_sequence) == stopping
    with served.anthropic().messages.stream(**asked) as stream:
        told = stream.get_final_message()
    assert (told.stop_reason, told.stop_sequence) == stopping


def test_thinking_words_and_calls_are_blocks_in_their_order(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    asked = {**ASKED, "tools": [TOOL], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    whole = served.anthropic().messages.create(**asked)
    with served.anthropic().messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        thinking, words, first, second = answer.content
        assert (thinking.type, thinking.thinking, thinking.signature) == ("thinking", "A word.", "samovar")
        assert (words.type, words.text) == ("text", "I look.")
        assert (first.type, first.id, first.name, first.input) == (
            "tool_use",
            "call_1",
            "look_up",
            {"word": "tea"},
        )
        assert (second.type, second.id, second.input) == ("tool_use", "call_2", {})
        assert answer.stop_reason == "tool_use"
        assert answer.usage.input_tokens == 7
    assert served.answers.asked[0].tools is not None


def test_an_answer_can_be_given_back_with_the_results_of_its_calls(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    client = served.anthropic()
    answer = client.messages.create(**ASKED, tools=[TOOL])
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "tea"}
        for block in answer.content
        if block.type == "tool_use"
    ]
    turns = [*HELLO, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    client.messages.create(**{**ASKED, "messages": turns}, tools=[TOOL])
    _, said, first, second = served.answers.asked[1].messages
    assert (said.content, said.reasoning) == ("I look.", "A word.")
    assert [call.id for call in said.tool_calls] == [first.tool_call_id, second.tool_call_id]


def test_what_was_thought_can_be_left_out(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    asked = {**ASKED, "thinking": {"type": "adaptive", "display": "omitted"}}
    whole = served.anthropic().messages.create(**asked)
    with served.anthropic().messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert (answer.content[0].type, answer.content[0].thinking) == ("thinking", "")
        assert answer.content[0].signature


def test_a_call_that_the_limit_cut_off_has_no_input(served: Served) -> None:
    served.answers.script = script(Call(0, 0, "c", "look_up", '{"wo'), Finish(0, "length"))
    (call,) = served.anthropic().messages.create(**ASKED).content
    assert (call.type, call.input) == ("tool_use", {})


GOLDEN = """\
event: message_start
data: {"type":"message_start","message":{"type":"message","id":"ID","role":"assistant","model":"little-model",\
"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":0,\
"cache_read_input_tokens":0,"output_tokens":0,"output_tokens_details":{"thinking_tokens":0},\
"service_tier":"standard"}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"A wo"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"rd."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"samovar"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"I look."}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"look_up",\
"input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"word\\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" \\"tea\\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"call_2","name":"look_up",\
"input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":7,\
"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5,"output_tokens_details":\
{"thinking_tokens":0},"service_tier":"standard"},"timings":{"prompt_n":7,"prompt_ms":1.5,"predicted_n":5,\
"predicted_ms":2.5,"cache_n":0}}

event: message_stop
data: {"type":"message_stop"}

"""


def transcript(served: Served, path: str = "/v1/messages", **body: object) -> str:
    """The bytes of a stream, with its ids taken out."""
    with served.http() as client:
        reply = client.post(path, json={"stream": True, "messages": HELLO, **body})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["request-id"].startswith("req_")
    return re.sub(r"(msg|req)_[0-9a-f]{24}", "ID", reply.content.decode())


def test_a_stream_to_the_byte(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    assert transcript(served) == GOLDEN


def test_a_stream_that_breaks_ends_with_an_error_to_the_byte(served: Served) -> None:
    served.answers.script = script(Delta(0, "Hel"), Failed(tree.EngineFailed("api.broken_off").value()))
    last = transcript(served).removesuffix("\n\n").rpartition("\n\n")[2]
    assert last == (
        'event: error\ndata: {"type":"error","error":{"type":"api_error",'
        f'"message":"{say("api.broken_off")}"}},"request_id":"ID"}}'
    )


def test_the_client_raises_what_breaks_a_stream(served: Served) -> None:
    served.answers.script = script(Delta(0, "Hel"), tree.EngineFailed("api.broken_off"))
    said: list[str] = []
    with (
        pytest.raises(anthropic.APIStatusError, match="broke off"),
        served.anthropic().messages.stream(**ASKED) as stream,
    ):
        said.extend(stream.text_stream)
    assert said == ["Hel"]


def test_warnings_of_the_request_and_of_the_answer_are_told_at_its_end(served: Served) -> None:
    served.answers.script = script(Delta(0, "Hel"), Warned(Note("api.broken_off")), Finish(0, "stop"))
    whole = served.anthropic().messages.create(**ASKED, extra_body={"wobble": 1})
    with served.anthropic().messages.stream(**ASKED, extra_body={"wobble": 1}) as stream:
        (delta,) = (event for event in stream if event.type == "message_delta")
    for told in (whole, delta):
        ignored, broken = told.model_extra["warnings"]
        assert "wobble" in ignored
        assert broken == say("api.broken_off")


def test_tokens_are_counted_without_an_answer(served: Served) -> None:
    counted = served.anthropic().messages.count_tokens(model=MODEL, messages=HELLO, tools=[TOOL])
    rendered = repr((Message("user", "Hello"),))
    assert counted.input_tokens == len(rendered)
    assert served.answers.asked == []


def test_one_address_lists_the_models_in_the_shape_of_who_asks(served: Served) -> None:
    listed = served.anthropic().models.list()
    assert [(model.type, model.id, model.display_name) for model in listed.data] == [
        ("model", MODEL, MODEL),
        ("model", "another/model", "another/model"),
    ]
    assert (listed.first_id, listed.last_id, listed.has_more) == (MODEL, "another/model", False)
    assert served.anthropic().models.retrieve("another/model").created_at.year == 2023
    with pytest.raises(anthropic.NotFoundError, match="little-model"):
        served.anthropic().models.retrieve("missing")
    assert served.client().models.list().data[0].object == "model"


def test_models_come_in_pages(served: Served) -> None:
    served.models.names = tuple(f"model-{number}" for number in range(5))
    pages = served.anthropic().models.list(limit=2)
    assert [model.id for model in pages] == [MODEL, *served.models.names]
    before = served.anthropic().models.list(limit=2, before_id="model-3")
    assert [model.id for model in before.data] == ["model-1", "model-2"]
    assert before.has_more
    with pytest.raises(anthropic.UnprocessableEntityError, match="limit"):
        served.anthropic().models.list(limit=1001)


ERRORS = [
    (tree.InvalidInput("api.broken_off"), anthropic.BadRequestError, "invalid_request_error"),
    (tree.NotFound("api.broken_off"), anthropic.NotFoundError, "not_found_error"),
    (tree.Conflict("api.broken_off"), anthropic.ConflictError, "invalid_request_error"),
    (tree.OutOfRange("api.broken_off"), anthropic.UnprocessableEntityError, "invalid_request_error"),
    (tree.EngineFailed("api.broken_off"), anthropic.InternalServerError, "api_error"),
    (tree.Busy("api.broken_off"), anthropic.InternalServerError, "overloaded_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "raised", "kind"), ERRORS)
def test_a_refusal_is_a_status_a_type_and_a_sentence(
    served: Served, error: tree.SamovarError, raised: type[anthropic.APIStatusError], kind: str, stream: bool
) -> None:
    served.answers.refusal = error
    with pytest.raises(raised) as refused:
        served.anthropic().messages.create(**ASKED, stream=stream)
    body = refused.value.response.json()
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": error.text("en")},
        "request_id": refused.value.request_id,
    }
    assert (refused.value.status_code == 529) == isinstance(error, tree.Busy)


def test_a_full_queue_is_asked_again_and_a_fault_is_not(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[object] = []
    monkeypatch.setattr(anthropic.Anthropic, "_sleep_for_retry", lambda _, **how: waits.append(how))

    def attempts(error: tree.SamovarError) -> int:
        served.answers.asked.clear()
        served.answers.refusal = error
        with pytest.raises(anthropic.InternalServerError):
            served.anthropic(retries=2).messages.create(**ASKED)
        return len(served.answers.asked)

    assert attempts(tree.Busy("api.broken_off")) == 3
    assert attempts(tree.EngineFailed("api.broken_off")) == 1
    assert len(waits) == 2


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/batches", "/v1/messages/count_tokens"])
def test_what_is_not_there_is_refused_in_anthropic_s_shape(served: Served, path: str) -> None:
    with served.http() as client:
        reply = client.delete(path)
    assert reply.status_code in (404, 405)
    assert reply.json()["type"] == "error"


def test_a_client_that_leaves_in_mid_stream_frees_its_sequence(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), None]
    with served.anthropic().messages.stream(**ASKED) as stream:
        assert next(iter(stream.text_stream)) == "Hel"
    assert served.answers.generations[0].cancelled.wait(20)


async def test_the_asynchronous_client_streams_and_leaves(served: Served) -> None:
    def answers(completion: Completion) -> list[Event | tree.SamovarError | None]:
        return [Delta(0, "Hel"), None] if completion.stop else says("Hel", "lo")(completion)

    served.answers.script = answers
    http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
    async with anthropic.AsyncAnthropic(base_url=served.url, api_key="none", http_client=http) as client:
        whole = await client.messages.create(**ASKED)
        assert whole.content[0].text == "Hello"
        async with client.messages.stream(**ASKED) as stream:
            assert [text async for text in stream.text_stream] == ["Hel", "lo"]
        async with client.messages.stream(**ASKED, stop_sequences=["x"]) as stream:
            async for _ in stream.text_stream:
                break
    assert await asyncio.to_thread(served.answers.generations[-1].cancelled.wait, 20)


def test_every_frame_names_its_event(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    for frame in transcript(served).removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        assert json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ")
