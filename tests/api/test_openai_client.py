"""The real `openai` package against the app: shapes, statuses, streams."""

import json
import socket

import openai
import pytest

from samovar.core import errors as tree
from samovar.core.events import Alternative, Delta, Failed, Finish, PromptProgress, TokenDetail
from samovar.core.requests import Message
from tests.api.conftest import MODEL, Served, done, says

HELLO = [{"role": "user", "content": "Hello"}]


def lines(served: Served, path: str, **body: object) -> list[str]:
    """The frames of a stream, as they came over the wire."""
    with served.http() as client, client.stream("POST", path, json={"stream": True, **body}) as reply:
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        raw = b"".join(reply.iter_raw()).decode()
    assert "\r" not in raw
    return raw.removesuffix("\n\n").split("\n\n")


def test_models_come_with_the_loaded_one_first(served: Served) -> None:
    listed = served.client().models.list().data
    assert [model.id for model in listed] == [MODEL, "another/model"]
    assert served.client().models.retrieve("another/model").owned_by == "samovar"
    with pytest.raises(openai.NotFoundError, match="little-model"):
        served.client().models.retrieve("missing")


def test_a_model_that_is_loaded_from_elsewhere_is_listed_too(served: Served) -> None:
    served.models.names = ()
    assert [model.id for model in served.client().models.list().data] == [MODEL]


def test_a_chat_answer_has_openai_s_shape(served: Served) -> None:
    answer = served.client().chat.completions.create(model=MODEL, messages=HELLO, seed=3)
    assert answer.id.startswith("chatcmpl-")
    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    assert answer.system_fingerprint
    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].logprobs is None
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 2, 9)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 2
    assert answer.model_extra == {
        "timings": {"prompt_n": 5, "prompt_ms": 1.5, "predicted_n": 2, "predicted_ms": 2.5, "cache_n": 2}
    }
    assert served.answers.asked[0].messages == (Message("user", "Hello"),)
    assert served.answers.asked[0].sampling.seed == 3


def test_a_chat_stream_has_openai_s_shape(served: Served) -> None:
    frames = lines(served, "/v1/chat/completions", messages=HELLO)
    assert frames[-1] == "data: [DONE]"
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {},
    ]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert all("usage" not in chunk for chunk in chunks)
    assert chunks[-1]["timings"]["prompt_n"] == 5
    assert all("timings" not in chunk for chunk in chunks[:-1])


def test_the_client_reads_the_stream_and_its_usage(served: Served) -> None:
    stream = served.client().chat.completions.create(
        model=MODEL, messages=HELLO, n=2, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    for index in (0, 1):
        texts = [c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == index]
        assert "".join(texts) == "Hello"
    assert [bool(chunk.choices) for chunk in chunks] == [True] * 8 + [False]
    assert [chunk.usage is not None for chunk in chunks] == [False] * 8 + [True]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4


def test_completions_answer_and_stream(served: Served) -> None:
    client = served.client().completions
    whole = client.create(model=MODEL, prompt="Say", max_tokens=5)
    assert (whole.object, whole.choices[0].text, whole.choices[0].finish_reason) == (
        "text_completion",
        "Hello",
        "stop",
    )
    chunks = list(client.create(model=MODEL, prompt="Say", stream=True))
    assert [chunk.choices[0].text for chunk in chunks] == ["Hel", "lo", ""]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]


def test_several_prompts_give_their_choices_in_order(served: Served) -> None:
    served.answers.script = lambda asked: says(f"{asked.prompt}!")(asked)
    client = served.client().completions
    whole = client.create(model=MODEL, prompt=["a", "b", "c"], n=2)
    assert [(choice.index, choice.text) for choice in whole.choices] == list(
        enumerate(["a!", "a!", "b!", "b!", "c!", "c!"])
    )
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == 21
    texts = {
        c.choices[0].index: c.choices[0].text
        for c in client.create(model=MODEL, prompt=["a", "b"], stream=True)
        if c.choices[0].text
    }
    assert texts == {0: "a!", 1: "b!"}


def test_token_ids_are_a_prompt(served: Served) -> None:
    served.client().completions.create(model=MODEL, prompt=[1, 2, 3])
    served.client().completions.create(model=MODEL, prompt=[[4], [5, 6]])
    assert [asked.prompt for asked in served.answers.asked] == [(1, 2, 3), (4,), (5, 6)]


def test_logprobs_come_with_bytes_and_alternatives(served: Served) -> None:
    half = "é".encode()[:1]
    token = TokenDetail(5, half, -0.25, (Alternative(5, half, -0.25), Alternative(6, b" a", float("-inf"))))
    served.answers.script = lambda _: [Delta(0, "", (token,)), Finish(0, "length"), done()]
    asked = {"model": MODEL, "messages": HELLO, "logprobs": True, "top_logprobs": 2}
    whole = served.client().chat.completions.create(**asked)
    chunk = list(served.client().chat.completions.create(**asked, stream=True))[1]
    for choice in (whole.choices[0], chunk.choices[0]):
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        (told,) = choice.logprobs.content
        assert (told.token, told.bytes, told.logprob) == ("bytes:\\xc3", [0xC3], -0.25)
        assert [(other.token, other.logprob) for other in told.top_logprobs] == [
            ("bytes:\\xc3", -0.25),
            (" a", -9999.0),
        ]
    assert served.answers.asked[0].logprobs == 2
    assert whole.choices[0].finish_reason == "length"


def test_completion_logprobs_tell_where_each_token_begins(served: Served) -> None:
    pieces = [b"a", "é".encode()[:1], "é".encode()[1:], b"bc"]
    tokens = [TokenDetail(i, piece, -1.0, (Alternative(9, b"x", -0.1),)) for i, piece in enumerate(pieces)]
    served.answers.script = lambda _: [
        *(Delta(0, text, (token,)) for text, token in zip(["a", "", "é", "bc"], tokens, strict=True)),
        Finish(0, "stop"),
        done(),
    ]
    whole = served.client().completions.create(model=MODEL, prompt="x", logprobs=1).choices[0].logprobs
    assert whole is not None
    assert whole.text_offset == [0, 1, 1, 2]
    assert whole.top_logprobs is not None
    assert whole.top_logprobs[0] == {"x": -0.1, "a": -1.0}
    chunks = list(served.client().completions.create(model=MODEL, prompt="x", logprobs=1, stream=True))
    told = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert [entry.text_offset for entry in told] == [[0], [1], [1], [2]]


@pytest.mark.parametrize("name", ["gpt-4", "../little-model", "/etc/passwd", "little-model.gguf", "Default"])
def test_a_model_that_is_not_listed_is_not_found_and_never_looked_for(served: Served, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match="another/model") as refused:
        served.client().chat.completions.create(model=name, messages=HELLO)
    assert refused.value.code == "model_not_found"
    assert served.answers.asked == []


def test_what_nobody_knows_is_ignored_and_said(served: Served) -> None:
    answer = served.client().chat.completions.create(
        model=MODEL, messages=HELLO, extra_body={"wobble": 1, "top_k": 5}, user="me", temperature=0
    )
    (warning,) = answer.model_extra["warnings"]  # type: ignore[index]
    assert "wobble" in warning
    assert "top_k" not in warning
    assert served.answers.asked[0].sampling.values == {"top_k": 5, "temperature": 0.0}


ERRORS = [
    (tree.InvalidInput("api.body_not_object"), openai.BadRequestError, "invalid_request_error"),
    (tree.PromptTooLong("api.body_not_object"), openai.BadRequestError, "invalid_request_error"),
    (tree.NotFound("api.no_model", name="m", installed="n"), openai.NotFoundError, "invalid_request_error"),
    (tree.Conflict("api.broken_off"), openai.ConflictError, "invalid_request_error"),
    (tree.NotEnoughMemory("api.broken_off"), openai.UnprocessableEntityError, "invalid_request_error"),
    (tree.Busy("api.broken_off"), openai.InternalServerError, "overloaded_error"),
    (tree.Missing("api.broken_off"), openai.InternalServerError, "server_error"),
    (tree.EngineFailed("api.broken_off"), openai.InternalServerError, "server_error"),
    (tree.StorageFailed("api.broken_off"), openai.InternalServerError, "server_error"),
    (tree.DownloadFailed("api.broken_off"), openai.InternalServerError, "server_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "raised", "kind"), ERRORS)
def test_a_refusal_is_a_status_and_a_sentence(
    served: Served, error: tree.SamovarError, raised: type[openai.APIStatusError], kind: str, stream: bool
) -> None:
    served.answers.refusal = error
    with pytest.raises(raised) as refused:
        served.client().chat.completions.create(model=MODEL, messages=HELLO, stream=stream)
    assert refused.value.body["message"] == error.text("en")  # type: ignore[index]
    assert refused.value.type == kind
    assert ("retry-after" in refused.value.response.headers) == isinstance(error, tree.Busy)


def test_a_fault_of_ours_tells_the_client_nothing_and_the_log_everything(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.answers.refusal = ZeroDivisionError("/secret/path")
    with pytest.raises(openai.InternalServerError) as refused:
        served.client().chat.completions.create(model=MODEL, messages=HELLO)
    assert "secret" not in refused.value.response.text
    assert "ZeroDivisionError: /secret/path" in caplog.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
@pytest.mark.parametrize(
    "failure",
    [
        Failed(tree.EngineFailed("api.broken_off").value()),
        tree.EngineFailed("api.broken_off"),
        RuntimeError("/secret"),
    ],
)
def test_a_failure_in_mid_stream_is_one_error_chunk(
    served: Served, path: str, failure: Failed | tree.SamovarError
) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), failure]
    frames = lines(served, path, messages=HELLO, prompt="x")
    assert "Hel" in frames[-2]
    assert set(json.loads(frames[-1].removeprefix("data: "))) == {"error"}
    assert "secret" not in frames[-1]


def test_an_answer_that_never_ends_properly_is_an_error(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel")]
    with pytest.raises(openai.InternalServerError, match="broke off"):
        served.client().chat.completions.create(model=MODEL, messages=HELLO)
    assert "broke off" in lines(served, "/v1/chat/completions", messages=HELLO)[-1]


def test_one_refused_prompt_of_several_frees_the_others(served: Served) -> None:
    def script(_: object) -> list[object]:
        if len(served.answers.asked) == 2:
            raise tree.PromptTooLong("api.body_not_object")
        return [None]

    served.answers.script = script  # type: ignore[assignment]
    with pytest.raises(openai.BadRequestError):
        served.client().completions.create(model=MODEL, prompt=["short", "long"])
    assert served.answers.generations[0].cancelled.is_set()


def test_prompt_progress_is_not_a_chunk(served: Served) -> None:
    served.answers.script = lambda asked: [PromptProgress(1, 7, 0), *says("x")(asked)]
    assert len(lines(served, "/v1/completions", prompt="x")) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_its_sequence(served: Served, stream: bool) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel"), None]
    leave(served, stream=stream)
    assert served.answers.generations[0].cancelled.wait(10)


def leave(served: Served, *, stream: bool = False) -> None:
    """Asks, and goes away once the model works on it."""
    body = json.dumps({"messages": HELLO, "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", served.port)) as wire:
        wire.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        assert served.answers.begun.wait(10)


def test_a_client_that_leaves_the_queue_is_forgotten(served: Served) -> None:
    served.answers.hangs = True
    leave(served)
    assert served.answers.abandoned.wait(10)
