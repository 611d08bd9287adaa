"""The real `openai` package's responses against the app: shapes, threads, streams, to the byte."""

import asyncio
import json

import openai
import pytest
from pydantic import BaseModel

from samovar.core import errors as tree
from samovar.core.catalogue import say
from samovar.core.engine import Note
from samovar.core.events import Alternative, Delta, Event, Failed, Finish, Thought, TokenDetail, Warned
from samovar.core.requests import Completion, Message, ToolCall
from tests.api.conftest import MODEL, Served, says
from tests.api.test_responses_bytes import THINKS_AND_CALLS, script

TOOL = {
    "type": "function",
    "name": "look_up",
    "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    "strict": True,
}


def test_a_response_has_openai_s_shape(served: Served) -> None:
    answer = served.client().responses.create(
        model=MODEL, input="Hello", instructions="Be brief.", temperature=0.5, metadata={"for": "tea"}
    )
    assert answer.id.startswith("resp_")
    assert (answer.object, answer.status, answer.model) == ("response", "completed", MODEL)
    assert answer.output_text == "Hello"
    assert (answer.output[0].type, answer.output[0].status, answer.output[0].role) == (
        "message",
        "completed",
        "assistant",
    )
    assert (answer.instructions, answer.temperature, answer.top_p) == ("Be brief.", 0.5, None)
    assert (answer.metadata, answer.store, answer.tool_choice, answer.tools) == ({"for": "tea"}, True, "auto", [])
    assert (answer.error, answer.incomplete_details, answer.previous_response_id) == (None, None, None)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (7, 2, 9)
    assert answer.usage.input_tokens_details.cached_tokens == 2
    assert answer.usage.output_tokens_details.reasoning_tokens == 0
    assert answer.model_extra is not None
    assert answer.model_extra["timings"]["prompt_n"] == 5
    assert served.answers.asked[0].messages == (Message("system", "Be brief."), Message("user", "Hello"))


def test_a_request_goes_on_from_a_response_by_its_id(served: Served) -> None:
    client = served.client().responses
    served.answers.script = script(*THINKS_AND_CALLS)
    first = client.create(model=MODEL, input="Tea?", instructions="Be brief.", tools=[TOOL])
    served.answers.script = says("Чай.")
    result = {"type": "function_call_output", "call_id": "call_1", "output": "чай"}
    second = client.create(model=MODEL, input=[result], previous_response_id=first.id)
    third = client.create(model=MODEL, input="Thanks.", previous_response_id=second.id)
    assert third.previous_response_id == second.id
    assert served.answers.asked[2].messages == (
        Message("user", "Tea?"),
        Message(
            "assistant",
            "I look.",
            reasoning="A word.",
            tool_calls=(ToolCall("call_1", "look_up", '{"word": "tea"}'),),
        ),
        Message("tool", "чай", tool_call_id="call_1"),
        Message("assistant", "Чай."),
        Message("user", "Thanks."),
    )


def test_a_streamed_response_is_kept_before_its_end_is_told(served: Served) -> None:
    client = served.client().responses
    for event in client.create(model=MODEL, input="Hello", stream=True):
        if event.type == "response.completed":
            again = client.create(model=MODEL, input="And?", previous_response_id=event.response.id)
            assert client.retrieve(event.response.id).output_text == "Hello"
    assert again.status == "completed"
    assert [message.content for message in served.answers.asked[1].messages] == ["Hello", "Hello", "And?"]


def test_what_was_kept_comes_back_the_same_and_can_be_deleted(served: Served) -> None:
    client = served.client().responses
    given = client.create(model=MODEL, input="Hello")
    assert client.retrieve(given.id) == given
    client.delete(given.id)
    for refused in (
        lambda: client.retrieve(given.id),
        lambda: client.delete(given.id),
        lambda: client.cancel(given.id),
        lambda: client.input_items.list(given.id),
        lambda: client.create(model=MODEL, input="x", previous_response_id=given.id),
    ):
        with pytest.raises(openai.NotFoundError, match=given.id) as error:
            refused()
        assert error.value.code == "response_not_found"


def test_items_that_are_kept_can_be_referred_to(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    client = served.client().responses
    first = client.create(model=MODEL, input="Tea?", tools=[TOOL])
    (asked,) = client.input_items.list(first.id).data
    references = [{"type": "item_reference", "id": item.id} for item in (asked, *first.output)]
    result = {"type": "function_call_output", "call_id": "call_1", "output": "чай"}
    second = client.create(model=MODEL, input=[*references, result])
    assert [message.role for message in served.answers.asked[1].messages] == ["user", "assistant", "tool"]
    assert [item.type for item in client.input_items.list(second.id, order="asc").data] == [
        "message",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
    ]
    for missing in ("msg_00_0", "msg_", asked.id + "1", 5):
        with pytest.raises(openai.NotFoundError, match="Send the"):
            client.create(model=MODEL, input=[{"type": "item_reference", "id": missing}])


def test_nothing_is_kept_where_the_client_says_so(served: Served) -> None:
    client = served.client().responses
    given = client.create(model=MODEL, input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        client.retrieve(given.id)


def test_the_items_that_a_response_was_made_of_are_listed_in_pages(served: Served) -> None:
    client = served.client().responses
    first = client.create(model=MODEL, input="One?")
    content = [{"type": "input_text", "text": "Two?"}]
    second = client.create(model=MODEL, input=[{"role": "user", "content": content}], previous_response_id=first.id)
    newest = client.input_items.list(second.id, limit=2)
    assert newest.has_more
    assert [item.content[0].text for item in newest] == ["Two?", "Hello", "One?"]
    oldest = client.input_items.list(second.id, order="asc")
    assert [item.role for item in oldest.data] == ["user", "assistant", "user"]
    assert len({item.id for item in oldest.data}) == 3


def test_thoughts_words_and_calls_are_items_in_their_order(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    whole = served.client().responses.create(model=MODEL, input="Tea?", tools=[TOOL])
    with served.client().responses.stream(model=MODEL, input="Tea?", tools=[TOOL]) as stream:
        streamed = stream.get_final_response()
    for answer in (whole, streamed):
        thinking, words, call = answer.output
        assert (thinking.type, thinking.summary) == ("reasoning", [])
        assert thinking.content is not None
        assert thinking.content[0].text == "A word."
        assert (words.type, words.content[0].text) == ("message", "I look.")
        assert (call.type, call.call_id, call.name) == ("function_call", "call_1", "look_up")
        assert json.loads(call.arguments) == {"word": "tea"}
        assert answer.status == "completed"


def test_an_answer_is_parsed_by_its_schema(served: Served) -> None:
    class Tea(BaseModel):
        colour: str

    served.answers.script = says('{"colour":', ' "green"}')
    parsed = served.client().responses.parse(model=MODEL, input="Tea?", text_format=Tea)
    assert parsed.output_parsed == Tea(colour="green")
    assert served.answers.asked[0].constraint is not None
    assert "colour" in served.answers.asked[0].constraint.text


@pytest.mark.parametrize(
    ("reason", "status", "details", "item"),
    [
        ("stop", "completed", None, "completed"),
        ("length", "incomplete", "max_output_tokens", "incomplete"),
        ("cancelled", "cancelled", None, "incomplete"),
    ],
)
def test_how_a_response_ended(served: Served, reason: str, status: str, details: str | None, item: str) -> None:
    served.answers.script = script(Thought(0, "Hm."), Delta(0, "Hel"), Finish(0, reason))
    whole = served.client().responses.create(model=MODEL, input="Hello")
    *_, last = served.client().responses.create(model=MODEL, input="Hello", stream=True)
    assert last.type == ("response.completed" if status == "completed" else "response.incomplete")
    for answer in (whole, last.response):
        assert answer.status == status
        assert (answer.incomplete_details and answer.incomplete_details.reason) == details
        assert [output.status for output in answer.output] == ["completed", item]


def test_log_probabilities_come_with_the_text(served: Served) -> None:
    token = TokenDetail(5, b"Hi", -0.25, (Alternative(5, b"Hi", -0.25), Alternative(6, b"Ho", -1.5)))
    served.answers.script = script(Thought(0, "Hm", (TokenDetail(4, b"Hm", -9.0),)), Delta(0, "Hi", (token,)))
    asked = {"model": MODEL, "input": "Hello", "top_logprobs": 2, "include": ["message.output_text.logprobs"]}
    whole = served.client().responses.create(**asked)
    events = list(served.client().responses.create(**asked, stream=True))
    (delta,) = (event for event in events if event.type == "response.output_text.delta")
    for told in (
        whole.output[1].content[0].logprobs,
        delta.logprobs,
        events[-1].response.output[1].content[0].logprobs,
    ):
        (likelihood,) = told
        assert (likelihood.token, likelihood.logprob) == ("Hi", -0.25)
        assert [other.token for other in likelihood.top_logprobs] == ["Hi", "Ho"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (tree.EngineFailed("api.broken_off"), "server_error"),
        (tree.Busy("api.broken_off"), "rate_limit_exceeded"),
        (tree.PromptTooLong("api.broken_off"), "invalid_prompt"),
    ],
)
def test_a_stream_that_breaks_tells_why_and_how_far_it_came(
    served: Served, error: tree.SamovarError, code: str
) -> None:
    served.answers.script = script(Thought(0, "Hm."), Delta(0, "Hel"), Failed(error.value()))
    *_, told, failed = served.client().responses.create(model=MODEL, input="Hello", stream=True)
    assert (told.type, told.message) == ("error", say("api.broken_off"))
    assert failed.type == "response.failed"
    assert failed.response.status == "failed"
    assert failed.response.error is not None
    assert (failed.response.error.code, failed.response.error.message) == (code, say("api.broken_off"))
    assert failed.response.output_text == "Hel"
    assert [item.status for item in failed.response.output] == ["completed", "incomplete"]
    with pytest.raises(openai.NotFoundError):
        served.client().responses.retrieve(failed.response.id)


async def full_disk(_store: object, _tenant: str, _response: object) -> None:
    raise tree.StorageFailed("api.broken_off")


@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_kept_is_an_error_and_not_a_promise(
    served: Served, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setattr("samovar.store.responses.ResponseStore.keep", full_disk)
    if stream:
        *_, failed = served.client().responses.create(model=MODEL, input="Hello", stream=True)
        assert (failed.type, failed.response.output_text) == ("response.failed", "Hello")
    else:
        with pytest.raises(openai.InternalServerError, match="broke off"):
            served.client().responses.create(model=MODEL, input="Hello")


def test_a_response_can_be_looked_at_and_stopped_while_it_is_written(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), None]
    client = served.client().responses
    with client.create(model=MODEL, input="Hello", stream=True) as stream:
        events = iter(stream)
        created = next(events)
        assert next(event for event in events if event.type == "response.output_text.delta").delta == "Hel"
        assert client.retrieve(created.response.id).status == "in_progress"
        stopped = client.cancel(created.response.id)
        assert (stopped.status, stopped.output_text) == ("cancelled", "Hel")
        *_, last = events
    assert (last.type, last.response.status) == ("response.incomplete", "cancelled")
    assert client.retrieve(created.response.id).output_text == "Hel"
    assert client.cancel(created.response.id).status == "cancelled"


def test_warnings_of_the_request_and_of_the_answer_are_told_at_its_end(served: Served) -> None:
    served.answers.script = script(Delta(0, "Hel"), Warned(Note("api.broken_off")), Finish(0, "stop"))
    asked = {"model": MODEL, "input": "Hello", "extra_body": {"wobble": 1}}
    whole = served.client().responses.create(**asked)
    *_, last = served.client().responses.create(**asked, stream=True)
    for answer in (whole, last.response):
        ignored, broken = answer.model_extra["warnings"]
        assert "wobble" in ignored
        assert broken == say("api.broken_off")


def test_tokens_are_counted_without_an_answer(served: Served) -> None:
    client = served.client().responses
    first = client.create(model=MODEL, input="Hello")
    served.answers.asked.clear()
    counted = client.input_tokens.count(model=MODEL, input="And?", previous_response_id=first.id)
    said = (Message("user", "Hello"), Message("assistant", "Hello"), Message("user", "And?"))
    assert counted.input_tokens == len(repr(said))
    assert served.answers.asked == []


def test_a_stream_is_not_given_a_second_time(served: Served) -> None:
    given = served.client().responses.create(model=MODEL, input="Hello")
    with pytest.raises(openai.BadRequestError, match="stream"):
        served.client().responses.retrieve(given.id, stream=True)


async def test_the_asynchronous_client_streams_and_leaves(served: Served) -> None:
    def answers(completion: Completion) -> list[Event | tree.SamovarError | None]:
        return [Delta(0, "Hel"), None] if completion.stop else says("Hel", "lo")(completion)

    served.answers.script = answers
    async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none") as client:
        whole = await client.responses.create(model=MODEL, input="Hello")
        assert whole.output_text == "Hello"
        async with client.responses.stream(model=MODEL, input="Hello") as stream:
            assert (await stream.get_final_response()).output_text == "Hello"
        leaving = await client.responses.create(model=MODEL, input="Hello", stream=True, extra_body={"stop": "x"})
        async for event in leaving:
            if event.type == "response.output_text.delta":
                break
        await leaving.close()
    assert await asyncio.to_thread(served.answers.generations[-1].cancelled.wait, 20)
