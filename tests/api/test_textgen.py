"""What text-generation-webui's clients rely on: its internal addresses, and the modes of its chat."""

from pathlib import Path

import httpx
import pytest

from samovar.api.dialects.openai import translate
from samovar.api.reading.modes import MODES
from samovar.core.errors import InvalidParameter, NotFound
from samovar.core.events import Alternative, Delta, Stage, TokenDetail
from samovar.core.requests import Completion, Message
from samovar.core.rope import CacheTypes, Context, RopeWish
from samovar.prompts import named
from samovar.prompts.template import render
from samovar.services.contracts import ContextChoice
from tests.api.conftest import MODEL, Served

HELLO = {"role": "user", "content": "Hello"}
CAST = {"name1": "Ann", "name2": "Bob", "context": "{{char}} likes {{user}}.", "greeting": "Hi, <USER>!"}


def in_mode(mode: str, **body: object) -> Completion:
    return translate.chat({"messages": [HELLO], "mode": mode, **body}).completions[0]


def prompt_of(completion: Completion) -> str:
    return render(
        completion.template,
        completion.messages,
        continue_last=completion.continue_last,
        variables=completion.variables,
    ).text


def test_a_chat_is_a_dialogue_of_two_names() -> None:
    completion = in_mode("chat", **CAST)
    assert prompt_of(completion) == "Bob likes Ann.\n\nBob: Hi, Ann!\nAnn: Hello\nBob:"
    assert completion.stop == ("\nAnn:", "\nBob:")


def test_a_chat_can_be_written_in_another_way() -> None:
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ name2 }}>"
    assert prompt_of(in_mode("chat", chat_template_str=template, bot_name="Bob")) == "<user>HelloBob>"


def test_what_was_begun_is_gone_on_with() -> None:
    messages = [HELLO, {"role": "assistant", "content": "Oh, "}]
    assert prompt_of(in_mode("chat", messages=messages, **CAST)).endswith("Ann: Hello\nBob: Oh, ")
    begun = in_mode("chat-instruct", messages=messages, **CAST)
    assert begun.messages[-1] == Message("assistant", "Bob: Oh, ")
    assert "Oh, " not in begun.messages[0].content


def test_chat_instruct_asks_for_the_next_reply() -> None:
    completion = in_mode("chat-instruct", chat_instruct_command="As <|character|>: <|prompt|>", **CAST)
    request, opening = completion.messages
    assert request == Message("user", "As Bob: Bob likes Ann.\nBob: Hi, Ann!\nAnn: Hello")
    assert opening == Message("assistant", "Bob:")
    assert completion.continue_last


def test_a_template_can_be_named_or_sent() -> None:
    assert in_mode("instruct").template is None
    assert in_mode("instruct", instruction_template="alpaca").template == named.source("Alpaca")
    assert in_mode("instruct", instruction_template_str="{{ x }}").template == "{{ x }}"
    with pytest.raises(NotFound, match="ChatML"):
        in_mode("instruct", instruction_template="no such")


@pytest.mark.parametrize("name", named.names())
def test_every_named_template_writes_a_whole_chat(name: str) -> None:
    said = ("S1", "U1", "A1", "U2")
    messages = [
        Message(role, text) for role, text in zip(("system", "user", "assistant", "user"), said, strict=True)
    ]
    text = render(named.source(name), messages, bos_text="<s>", eos_text="</s>").text
    assert all(text.count(word) == 1 for word in said)
    assert sorted(said, key=text.index) == list(said)
    assert render(named.source(name), [*messages, Message("assistant", "Go")], continue_last=True).text.endswith(
        "Go"
    )


def test_a_mode_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidParameter) as refused:
        in_mode("dance")
    assert all(mode in str(refused.value) for mode in MODES)


@pytest.fixture
def bob(tmp_path: Path) -> None:
    folder = tmp_path / "characters"
    folder.mkdir()
    (folder / "Bob.yaml").write_text(
        "name: Bob\nuser: Ann\ngreeting: Hi, {{user}}!\ncontext: '{{char}} likes <USER>.'", encoding="utf-8"
    )


def chat(served: Served, **body: object) -> httpx.Response:
    with served.http() as client:
        return client.post("/v1/chat/completions", json={"messages": [HELLO], **body})


@pytest.mark.usefixtures("bob")
def test_a_character_says_who_talks(served: Served) -> None:
    assert chat(served, mode="chat", character="bob", stop=["END"]).status_code == 200
    assert chat(served, mode="chat", character="Bob", stream=True).status_code == 200
    assert chat(served, mode="chat", **CAST).status_code == 200
    by_name, streamed, in_words = served.answers.asked
    assert prompt_of(by_name) == prompt_of(streamed) == prompt_of(in_words)
    assert prompt_of(by_name) == "Bob likes Ann.\n\nBob: Hi, Ann!\nAnn: Hello\nBob:"
    assert by_name.stop == ("END", "\nAnn:", "\nBob:")


@pytest.mark.usefixtures("bob")
def test_what_the_request_says_goes_over_the_character(served: Served) -> None:
    said = {"name1": "Eve", "bot_name": "Rob", "greeting": "{{user}}?", "user_bio": "{{user}} sings."}
    chat(served, mode="chat-instruct", character="Bob", chat_instruct_command="<|character|>: <|prompt|>", **said)
    request, opening = served.answers.asked[0].messages
    assert request.content == "Rob: Rob likes Eve.\n\nEve sings.\nRob: Eve?\nEve: Hello"
    assert opening == Message("assistant", "Rob:")


@pytest.mark.usefixtures("bob")
def test_a_character_that_is_not_there_is_missed_where_it_had_a_part_to_play(served: Served) -> None:
    missed = chat(served, mode="chat", character="Bib")
    assert missed.status_code == 404
    assert "Bob" in missed.json()["error"]["message"]
    for body in ({"mode": "instruct", "character": "Bib"}, {"mode": "chat", "character": "None"}):
        assert chat(served, **body).status_code == 200
    with served.http() as client:
        body = {"messages": [HELLO], "mode": "chat", "character": "Bob"}
        assert "Bob likes Ann." in client.post("/v1/internal/chat-prompt", json=body).json()["prompt"]


def test_tokens_and_back(served: Served) -> None:
    with served.http() as client:
        assert client.post("/v1/internal/encode", json={"text": "hé"}).json() == {
            "tokens": [104, 195, 169],
            "length": 3,
        }
        assert client.post("/v1/internal/token-count", json={"text": "hé"}).json() == {"length": 3}
        assert client.post("/v1/internal/decode", json={"tokens": [104, 195, 169]}).json() == {"text": "hé"}
        assert client.post("/v1/internal/encode", json={}).status_code == 400
        assert client.post("/v1/internal/decode", json={"tokens": ["x"]}).status_code == 400
    assert served.answers.spelled[0] == ("hé", False, False, None)


def test_the_next_token_before_and_after_the_samplers(served: Served) -> None:
    served.answers.stages = (
        Stage("", 2, (Alternative(1, b"a", -0.5), Alternative(2, b"b", -1.0))),
        Stage("top_k", 1, (Alternative(1, b"a", 0.0),)),
    )
    with served.http() as client:
        before = client.post("/v1/internal/logits", json={"prompt": "x"}).json()["logits"]
        after = client.post("/v1/internal/logits", json={"prompt": "x", "use_samplers": True, "top_k": 1}).json()
    assert before == {"a": pytest.approx(0.6065, abs=1e-4), "b": pytest.approx(0.3679, abs=1e-4)}
    assert after == {"logits": {"a": 1.0}}
    assert served.answers.asked[-1].sampling.values["top_k"] == 1


def test_the_prompt_of_a_chat(served: Served) -> None:
    with served.http() as client:
        answer = client.post("/v1/internal/chat-prompt", json={"messages": [HELLO]})
    assert "Hello" in answer.json()["prompt"]


def test_which_model_there_is(served: Served) -> None:
    with served.http() as client:
        info = client.get("/v1/internal/model/info").json()
        assert info == {"model_name": MODEL, "lora_names": [], "loader": "llama.cpp"}
        assert client.get("/v1/internal/model/list").json() == {"model_names": [MODEL, "another/model"]}
        assert client.get("/v1/internal/lora/list").json() == {"lora_names": []}
        assert client.post("/v1/internal/lora/load", json={"lora_names": ["x"]}).status_code == 501


def test_a_model_is_loaded_with_what_was_said(served: Served) -> None:
    args = {"ctx_size": 8192, "cache_type": "q8_0", "alpha_value": 2.5, "gpu_layers": 99}
    with served.http() as client:
        assert client.post("/v1/internal/model/load", json={"model_name": MODEL, "args": args}).json() == "OK"
        assert client.post("/v1/internal/model/load", json={"model_name": "no such"}).status_code == 404
        wrong = client.post("/v1/internal/model/load", json={"model_name": MODEL, "args": {"cache_type": "q9"}})
        assert wrong.status_code == 400
        assert client.post("/v1/internal/model/unload").json() == "OK"
    wish = RopeWish(rope_alpha=2.5)
    choice = ContextChoice(Context(ctx=8192, rope=wish, cache=CacheTypes("q8_0", "q8_0")))
    assert served.models.loads == [(MODEL, choice)]
    assert served.models.unloaded == [MODEL]


def test_everything_that_is_said_can_be_stopped(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel", (TokenDetail(5, b"Hel"),)), None]
    with (
        served.http() as client,
        client.stream("POST", "/v1/completions", json={"prompt": "x", "stream": True}) as answer,
    ):
        lines = answer.iter_lines()
        assert "Hel" in next(lines)
        assert client.post("/v1/internal/stop-generation").json() == "OK"
        assert any("[DONE]" in line for line in lines)
