"""The real `ollama` package against the app: answers and streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import ollama
import pytest

from samovar.api.dialects.ollama.fields import DEFAULTS
from samovar.api.reading.thinking import thinking_variables
from samovar.core import errors as tree
from samovar.core.engine import Note
from samovar.core.events import Alternative, Call, Delta, Event, Finish, Thought, TokenDetail, Warned
from samovar.core.requests import Completion, Message, Tool, ToolCall, Tools
from tests.api.conftest import MODEL, Served, done, says

SHOWN = f"{MODEL}:latest"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(served: Served) -> ollama.Client:
    return served.closing.enter_context(ollama.Client(served.url, trust_env=False))


def asked(served: Served) -> Completion:
    return served.answers.asked[-1]


def test_a_chat_answer_has_ollama_s_shape(served: Served, client: ollama.Client) -> None:
    answer = client.chat(SHOWN, HELLO, options={"seed": 3, "num_predict": 9})
    assert (answer.model, answer.done, answer.done_reason) == (SHOWN, True, "stop")
    assert (answer.message.role, answer.message.content) == ("assistant", "Hello")
    assert answer.message.thinking is answer.message.tool_calls is answer.logprobs is None
    assert (answer.prompt_eval_count, answer.eval_count) == (7, 2)
    assert (answer.prompt_eval_duration, answer.eval_duration) == (1_500_000, 2_500_000)
    assert answer.total_duration
    assert answer.created_at
    assert datetime.fromisoformat(answer.created_at.replace("Z", "+00:00")).tzinfo is not None
    assert asked(served).model == MODEL
    assert asked(served).messages == (Message("user", "Hello"),)
    assert (asked(served).sampling.seed, asked(served).max_tokens) == (3, 9)


def test_a_chat_stream_ends_with_a_line_of_its_own(client: ollama.Client) -> None:
    lines = list(client.chat(MODEL, HELLO, stream=True))
    assert [line.message.content for line in lines] == ["Hel", "lo", ""]
    assert [line.done for line in lines] == [False, False, True]
    assert {line.model for line in lines} == {MODEL}
    assert lines[-1].eval_count == 2
    assert lines[0].eval_count is None


async def test_the_asynchronous_client_reads_the_same(served: Served) -> None:
    async with ollama.AsyncClient(served.url, trust_env=False) as client:
        whole = await client.generate(MODEL, "Hello")
        stream: AsyncIterator[ollama.GenerateResponse] = await client.generate(MODEL, "Hello", stream=True)
        lines = [line async for line in stream]
    assert whole.response == "".join(line.response or "" for line in lines) == "Hello"


def test_a_prompt_goes_through_the_template_and_comes_back_as_tokens(served: Served, client: ollama.Client) -> None:
    answer = client.generate(MODEL, "Hello", system="Be brief.")
    assert asked(served).messages == (Message("system", "Be brief."), Message("user", "Hello"))
    prompt = repr(asked(served).messages).encode()
    assert answer.context == [*prompt, 3, 2]
    assert list(client.generate(MODEL, "Hello", system="Be brief.", stream=True))[-1].context == answer.context


def test_a_conversation_as_tokens_goes_on(served: Served, client: ollama.Client) -> None:
    answer = client.generate(MODEL, "More", context=[256, 1, 2, 3])
    new = tuple(repr((Message("user", "More"),)).encode())
    assert asked(served).prompt == (256, 1, 2, 3, *new)
    assert asked(served).messages == ()
    assert answer.context == [256, 1, 2, 3, *new, 3, 2]


def test_a_raw_prompt_is_sent_as_it_is_and_not_remembered(served: Served, client: ollama.Client) -> None:
    assert client.generate(MODEL, "<|user|>Hi", raw=True).context is None
    assert (asked(served).prompt, asked(served).messages) == ("<|user|>Hi", ())
    assert not asked(served).reads


def test_what_stands_behind_the_answer(served: Served, client: ollama.Client) -> None:
    client.generate(MODEL, "def add(", suffix="    return a + b")
    assert (asked(served).prompt, asked(served).suffix) == ("def add(", "    return a + b")


def test_formats_are_kept_to(served: Served, client: ollama.Client) -> None:
    client.generate(MODEL, "x", format="json")
    assert asked(served).constraint is not None
    assert asked(served).constraint.text == '{"type": "object"}'
    client.chat(MODEL, HELLO, format={"type": "array", "items": {"type": "integer"}})
    assert asked(served).constraint is not None
    assert asked(served).constraint.text == '{"type":"array","items":{"type":"integer"}}'
    client.chat(MODEL, HELLO, format="")
    assert asked(served).constraint is None


def thinks_and_calls(_: Completion) -> list[Event | tree.SamovarError | None]:
    return [
        Thought(0, "hm"),
        Delta(0, "I look."),
        Call(0, 0, "call_1", "look_up", '{"word":'),
        Call(0, 0, "", "", ' "чай"}'),
        Call(0, 1, "call_2", "now", ""),
        Warned(Note("api.broken_off")),
        Finish(0, "tool_calls"),
        done(),
    ]


def look_up(word: str) -> str:
    """Looks a word up.

    Args:
      word: which one
    """
    return word


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_and_calls_come_apart_from_the_text(served: Served, client: ollama.Client, stream: bool) -> None:
    served.answers.script = thinks_and_calls
    lines = (
        list(client.chat(MODEL, HELLO, tools=[look_up], think=True, stream=True))
        if stream
        else [client.chat(MODEL, HELLO, tools=[look_up], think=True)]
    )
    assert "".join(line.message.content or "" for line in lines) == "I look."
    assert "".join(line.message.thinking or "" for line in lines) == "hm"
    calls = [call for line in lines for call in line.message.tool_calls or ()]
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("look_up", {"word": "чай"}),
        ("now", {}),
    ]
    assert lines[-1].done_reason == "stop"
    request = asked(served)
    assert request.reads
    assert request.variables == thinking_variables(True)
    assert isinstance(request.tools, Tools)
    (tool,) = request.tools.offered
    assert (tool.name, tool.description) == ("look_up", "Looks a word up.")
    assert tool.parameters["properties"] == {"word": {"type": "string", "description": "which one"}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_was_cut_off_is_text_and_nobody_makes_it(
    served: Served, client: ollama.Client, stream: bool
) -> None:
    served.answers.script = lambda _: [Call(0, 0, "a", "wipe", '{"path": "/tm'), Finish(0, "length"), done()]
    lines = list(client.chat(MODEL, HELLO, stream=True)) if stream else [client.chat(MODEL, HELLO)]
    assert all(line.message.tool_calls is None for line in lines)
    assert "".join(line.message.content or "" for line in lines) == 'wipe{"path": "/tm'
    assert lines[-1].done_reason == "length"


def test_what_was_called_and_answered_is_told_to_the_model(served: Served, client: ollama.Client) -> None:
    call = {"function": {"name": "look_up", "arguments": {"word": "tea"}}}
    client.chat(
        MODEL,
        [
            *HELLO,
            {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call, call]},
            {"role": "tool", "tool_name": "look_up", "content": "a drink"},
            {"role": "tool", "content": "a meal"},
        ],
        tools=[look_up],
    )
    _, called, first, second = asked(served).messages
    assert called == Message(
        "assistant",
        "",
        reasoning="hm",
        tool_calls=(
            ToolCall("call_1_0", "look_up", '{"word":"tea"}'),
            ToolCall("call_1_1", "look_up", '{"word":"tea"}'),
        ),
    )
    assert first == Message("tool", "a drink", name="look_up", tool_call_id="call_1_0")
    assert second == Message("tool", "a meal", name="look_up", tool_call_id="call_1_1")


def test_an_answer_at_the_end_is_continued(served: Served, client: ollama.Client) -> None:
    client.chat(MODEL, [*HELLO, {"role": "assistant", "content": "Well,"}])
    assert asked(served).continue_last
    client.chat(MODEL, HELLO)
    assert not asked(served).continue_last


def test_logprobs_come_with_bytes_and_alternatives(served: Served, client: ollama.Client) -> None:
    token = TokenDetail(5, b" a", -0.25, (Alternative(5, b" a", -0.25), Alternative(6, b"b", float("-inf"))))
    served.answers.script = lambda _: [Delta(0, " a", (token,)), Finish(0, "stop"), done()]
    whole = client.generate(MODEL, "x", logprobs=True, top_logprobs=2)
    line = next(iter(client.generate(MODEL, "x", logprobs=True, top_logprobs=2, stream=True)))
    for answer in (whole, line):
        assert answer.logprobs is not None
        (told,) = answer.logprobs
        assert (told.token, told.logprob) == (" a", -0.25)
        assert told.top_logprobs is not None
        assert [(other.token, other.logprob) for other in told.top_logprobs] == [(" a", -0.25), ("b", -9999.0)]
    assert asked(served).logprobs == 2


async def test_nothing_said_loads_the_model_or_lets_it_go(served: Served, client: ollama.Client) -> None:
    for ready in (client.generate(SHOWN, keep_alive="5m"), client.chat(SHOWN, [])):
        assert (ready.done, ready.done_reason, ready.model) == (True, "load", SHOWN)
    assert served.models.stays == [(MODEL, 300.0), (MODEL, None)]
    gone = client.generate("another/model", keep_alive=0)
    assert (gone.response, gone.done_reason) == ("", "unload")
    assert served.models.unloaded == ["another/model"]
    assert served.answers.asked == []
    with pytest.raises(ollama.ResponseError, match="missing"):
        client.generate("missing")


def test_how_long_the_model_stays_is_passed_on(served: Served, client: ollama.Client) -> None:
    for keep_alive in (-1, "1h30m", 0, None):
        client.generate(MODEL, "x", keep_alive=keep_alive)
        client.embed(MODEL, "x", keep_alive=keep_alive)
        client.embeddings(MODEL, "x", keep_alive=keep_alive)
    said = [-1.0, 5400.0, 0.0, None]
    assert [one.keep_alive for one in served.answers.asked] == said
    assert served.answers.kept_alive == [one for one in said for _ in range(2)]
    with pytest.raises(ollama.ResponseError, match="keep_alive"):
        client.embed(MODEL, "x", keep_alive="soon")


def test_what_nobody_knows_is_ignored_and_said_at_the_end(served: Served) -> None:
    with served.http() as wire:
        body = {"prompt": "x", "wobble": 1, "stream": False, "options": {"top_k": 5, "wibble": 2, "num_gpu": 1}}
        (warning,) = wire.post("/api/generate", json=body).json()["warnings"]
    assert "wobble" in warning
    assert "wibble" in warning
    assert "num_gpu" not in warning


def test_a_failure_in_mid_stream_raises_behind_what_was_said(served: Served, client: ollama.Client) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), tree.EngineFailed("api.broken_off")]
    said: list[str] = []
    with pytest.raises(ollama.ResponseError, match="broke off"):
        said += (line.message.content or "" for line in client.chat(MODEL, HELLO, stream=True))
    assert said == ["Hel"]


def test_no_character_of_an_answer_ends_its_line(served: Served, client: ollama.Client) -> None:
    served.answers.script = says("a\x85b\u2028c", "\u2029\x0b\x1c")
    said = [line.message.content or "" for line in client.chat(MODEL, HELLO, stream=True)]
    assert said == ["a\x85b\u2028c", "\u2029\x0b\x1c", ""]


def test_a_stream_that_is_left_frees_its_sequence(served: Served, client: ollama.Client) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), None]
    stream = client.chat(MODEL, HELLO, stream=True)
    assert next(stream).message.content == "Hel"
    stream.close()
    assert served.answers.generations[-1].cancelled.wait(20)


def test_tools_are_values(served: Served, client: ollama.Client) -> None:
    client.chat(MODEL, HELLO, tools=[{"type": "function", "function": {"name": "now"}}])
    assert asked(served).tools == Tools((Tool("now"),))


def test_a_preset_counts_more_than_ollama_s_defaults(served: Served) -> None:
    with served.http() as wire:
        wire.post("/api/generate", json={"prompt": "x", "options": {"top_k": 7}})
        assert asked(served).sampling.values == {**DEFAULTS, "top_k": 7}
        wire.post("/api/generate", json={"prompt": "x", "preset": "neutral", "options": {"top_k": 7}})
        assert asked(served).sampling.values["top_k"] == 7
        assert asked(served).sampling.values["repetition_penalty"] == 1.0
