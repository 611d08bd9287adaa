"""The real `ollama` package against the app: answers, streams, the library, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timezone

import ollama
import pytest

from samovar.core import errors as tree
from samovar.core.engine import Note
from samovar.core.events import Alternative, Call, Delta, Event, Finish, Thought, TokenDetail, Warned
from samovar.core.requests import Completion, Message, Tool, ToolCall, Tools
from samovar.services.contracts import Embedded, LoadedModel, Pulling
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
    assert asked(served).constraint.text == '{"type": "object"}'  # type: ignore[union-attr]
    client.chat(MODEL, HELLO, format={"type": "array", "items": {"type": "integer"}})
    assert asked(served).constraint is not None
    assert asked(served).constraint.text == '{"type":"array","items":{"type":"integer"}}'  # type: ignore[union-attr]
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
    assert request.variables == {"enable_thinking": True}
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
    loaded: list[str | None] = []

    async def load(name: str | None = None) -> None:
        loaded.append(name)

    served.models.load = load  # type: ignore[assignment, method-assign]
    for ready in (client.generate(SHOWN, keep_alive="5m"), client.chat(SHOWN, [])):
        assert (ready.done, ready.done_reason, ready.model) == (True, "load", SHOWN)
    assert loaded == [MODEL, MODEL]
    gone = client.generate("another/model", keep_alive=0)
    assert (gone.response, gone.done_reason) == ("", "unload")
    assert served.models.unloaded == ["another/model"]
    assert served.answers.asked == []
    with pytest.raises(ollama.ResponseError, match="missing"):
        client.generate("missing")


def test_how_long_the_model_stays_is_passed_on(served: Served, client: ollama.Client) -> None:
    for keep_alive in (-1, "1h30m", 0, None):
        client.generate(MODEL, "x", keep_alive=keep_alive)
    assert [one.keep_alive for one in served.answers.asked] == [-1.0, 5400.0, 0.0, None]


def test_texts_become_vectors(client: ollama.Client) -> None:
    embedded = client.embed(SHOWN, ["one", "three"])
    assert embedded.model == SHOWN
    assert embedded.embeddings == [[0.6, 0.8], [0.6, 0.8]]
    assert embedded.prompt_eval_count == 8
    assert client.embed(MODEL, "one").embeddings == [[0.6, 0.8]]
    assert client.embed(MODEL, "one", dimensions=1).embeddings == [[1.0]]
    assert client.embed(MODEL, "").embeddings == []
    assert client.embeddings(MODEL, "one").embedding == [0.6, 0.8]
    assert client.embeddings(MODEL, "").embedding == []


def test_texts_that_are_too_long_are_cut_unless_that_is_not_wanted(served: Served, client: ollama.Client) -> None:
    read: list[object] = []

    async def embed(texts: list[str | tuple[int, ...]], model: str | None = None) -> Embedded:
        if any(len(text) > 2048 for text in texts):
            raise tree.PromptTooLong("api.body_not_object")
        read.extend(texts)
        return Embedded(model or MODEL, tuple((1.0,) for _ in texts), sum(map(len, texts)))

    served.answers.embed = embed  # type: ignore[assignment, method-assign]
    assert client.embed(MODEL, ["a" * 3000, "b"]).prompt_eval_count == 2048 + 2
    assert read == [(256, *b"a" * 2047), (256, ord("b"))]
    with pytest.raises(ollama.ResponseError):
        client.embed(MODEL, ["a" * 3000], truncate=False)


def test_models_and_aliases_are_listed(served: Served, client: ollama.Client) -> None:
    served.library.known["tea"] = MODEL
    own, other, alias = client.list().models
    assert [own.model, other.model, alias.model] == [SHOWN, "another/model:latest", "tea:latest"]
    assert own.modified_at == datetime.fromtimestamp(1.7e9, timezone.utc)
    assert own.size == 9
    assert own.details is not None
    assert own.details.model_dump() == {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "135.00M",
        "quantization_level": "Q4_1",
    }
    assert alias.details is not None
    assert alias.details.parent_model == SHOWN
    assert alias.digest == own.digest != other.digest


def test_a_model_is_shown_without_a_path(served: Served, client: ollama.Client) -> None:
    shown = client.show(SHOWN)
    assert shown.template == "{{ messages }}"
    assert shown.modelinfo == {"general.architecture": "llama", "general.parameter_count": 135_000_000}
    assert shown.capabilities == ["completion"]
    assert shown.parameters == f"{'num_ctx':<30} 2048"
    assert shown.modelfile == f'FROM {SHOWN}\nPARAMETER num_ctx 2048\nTEMPLATE """{{{{ messages }}}}"""\n'
    with served.http() as wire:
        assert "gguf/" not in wire.post("/api/show", json={"name": MODEL}).text
        assert "little-model.gguf" not in wire.post("/api/show", json={"name": MODEL}).text


def test_what_is_loaded(served: Served, client: ollama.Client) -> None:
    (running,) = client.ps().models
    assert (running.name, running.size, running.size_vram, running.context_length) == (SHOWN, 9, 0, 2048)
    assert running.expires_at is not None
    assert running.expires_at.year > 2100
    served.models.loaded = lambda: (LoadedModel(MODEL, 9, 2048, 1.8e9),)  # type: ignore[method-assign]
    (running,) = client.ps().models
    assert running.expires_at == datetime.fromtimestamp(1.8e9, timezone.utc)


def test_a_pull_tells_how_far_it_is(served: Served, client: ollama.Client) -> None:
    lines = list(client.pull("hf.co/someone/Some-GGUF:Q4_K_M", stream=True))
    assert served.library.pulled == ["someone/Some-GGUF:Q4_K_M"]
    assert [line.status for line in lines if not line.total] == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    bars = [line for line in lines if line.total]
    assert [(line.completed, line.total) for line in bars] == [(1, 2), (2, 2)]
    assert len({line.digest for line in bars}) == 1
    assert client.pull("someone/Other-GGUF").status == "success"


def test_a_pulled_model_is_known_by_the_name_it_was_pulled_by(served: Served, client: ollama.Client) -> None:
    client.pull("hf.co/someone/Some-GGUF:latest")
    assert served.library.known == {"hf.co/someone/Some-GGUF": MODEL}
    client.chat("hf.co/someone/Some-GGUF:latest", HELLO)
    assert asked(served).model == MODEL


def test_a_pull_that_is_refused_has_its_status_and_one_that_breaks_says_so(
    served: Served, client: ollama.Client
) -> None:
    async def refused(source: str) -> AsyncIterator[Pulling]:
        raise tree.NotFound("api.no_route", path=source)
        yield

    async def broken(_: str) -> AsyncIterator[Pulling]:
        yield Pulling(1, 2)
        raise tree.DownloadFailed("api.broken_off")

    served.library.pull = refused  # type: ignore[assignment, method-assign]
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError, match="nothing at missing") as error:
            list(client.pull("missing", stream=True)) if stream else client.pull("missing")
        assert error.value.status_code == 404
    served.library.pull = broken  # type: ignore[assignment, method-assign]
    seen = []
    with pytest.raises(ollama.ResponseError, match="broke off"):
        seen += client.pull("x", stream=True)
    with pytest.raises(ollama.ResponseError, match="broke off") as error:
        client.pull("x")
    assert error.value.status_code == 502


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_a_pull_stops_it(served: Served, stream: bool) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def endless(_: str) -> AsyncIterator[Pulling]:
        try:
            yield Pulling(1, 2)
            loop.call_soon_threadsafe(began.set)
            await asyncio.Event().wait()
        finally:
            loop.call_soon_threadsafe(ended.set)

    served.library.pull = endless  # type: ignore[assignment, method-assign]
    async with ollama.AsyncClient(served.url, trust_env=False) as client:

        async def pull() -> None:
            if stream:
                async for _ in await client.pull("x", stream=True):
                    pass
            else:
                await client.pull("x")

        pulling = asyncio.create_task(pull())
        await began.wait()
        pulling.cancel()
        await asyncio.wait((pulling,))
        await asyncio.wait_for(ended.wait(), 20)


def test_copies_are_other_names_and_deletes_delete(served: Served, client: ollama.Client) -> None:
    assert client.copy(SHOWN, "tea:latest").status == "success"
    assert served.library.known == {"tea": MODEL}
    assert client.create("coffee", from_="tea").status == "success"
    assert [line.status for line in client.create("milk", from_="tea", stream=True)] == ["success"]
    assert served.library.known == {"tea": MODEL, "coffee": MODEL, "milk": MODEL}
    client.delete("Another/Model:latest")
    client.delete("tea:latest")
    assert served.library.removed == ["another/model", "tea"]


def test_what_cannot_be_done_is_said(served: Served, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="publishes no models") as error:
        client.push(MODEL)
    assert error.value.status_code == 501
    with pytest.raises(ollama.ResponseError, match="system cannot be set") as error:
        client.create("x", from_=MODEL, system="You are a pirate.")
    assert error.value.status_code == 501
    with pytest.raises(ollama.ResponseError, match="images") as error:
        client.generate(MODEL, "What is this?", images=[b"png"])
    assert error.value.status_code == 400
    with pytest.raises(ollama.ResponseError, match=r"messages\[0\].images"):
        client.chat(MODEL, [{"role": "user", "content": "What is this?", "images": [b"png"]}])
    with pytest.raises(ollama.ResponseError, match="Jinja"):
        client.generate(MODEL, "x", template="{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}")
    with pytest.raises(ollama.ResponseError, match="another/model") as error:
        client.chat("gpt-4", HELLO)
    assert error.value.status_code == 404
    with served.http() as wire:
        assert wire.head("/api/blobs/sha256:0").status_code == 404
        assert "error" in wire.post("/api/blobs/sha256:0", content=b"x").json()
    assert served.answers.asked == []


def test_clients_that_look_whether_somebody_is_there(served: Served) -> None:
    with served.http() as wire:
        assert [wire.head(path).status_code for path in ("/api/tags", "/api/version")] == [200, 200]
        assert wire.get("/api/version").json()["version"].count(".") == 2
        served.models.names = ()
        served.models.state = served.models.state.__class__()
        assert wire.get("/api/tags").json() == wire.get("/api/ps").json() == {"models": []}


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
    stream.close()  # type: ignore[attr-defined]
    assert served.answers.generations[-1].cancelled.wait(20)


def test_tools_are_values(served: Served, client: ollama.Client) -> None:
    client.chat(MODEL, HELLO, tools=[{"type": "function", "function": {"name": "now"}}])
    assert asked(served).tools == Tools((Tool("now"),))
