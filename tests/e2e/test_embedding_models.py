"""A model that only embeds, in the library beside one that writes: its vectors over every API, and a sentence where
it is asked to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import ollama
import openai
import pytest

from samovar.engines.llama.builds import installed
from tests.e2e.conftest import Serve, Served, start
from tests.support import minilm
from tests.support.tiny_bert import SPECIAL, WORDS, Bert

pytestmark = pytest.mark.skipif(not installed(), reason="no build of libllama is installed")

TEXT = "The samovar is hot, and warm the snow."
REFUSED = "bert read texts and give embeddings; they cannot write"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("embeds")
    (home / "models").mkdir()
    Bert.random().write(home / "models" / "tiny-bert.gguf")
    served = start(home, "--model", "echo")
    yield served
    served.stop()


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def by_ollama(served: Served) -> Iterator[ollama.Client]:
    with ollama.Client(host=served.url) as client:
        yield client


def tokens(*words: str) -> list[int]:
    bert = Bert.random()
    return [bert.tokens.index(word) for word in ("[CLS]", *words, "[SEP]")]


def test_openai_gets_the_vectors_of_an_independent_computation(client: openai.OpenAI) -> None:
    got = client.embeddings.create(model="tiny-bert", input=[TEXT, "tea"], encoding_format="float")
    words = ["the", "samovar", "is", "hot", ",", "and", "warm", "the", "snow", "."]
    for entry, expected in zip(got.data, (tokens(*words), tokens("tea")), strict=True):
        assert np.abs(np.array(entry.embedding) - Bert.random().vector(expected)).max() < 5e-3
    assert got.usage.prompt_tokens == len(words) + 2 + 3


def test_every_api_gives_the_same_vector(served: Served, client: openai.OpenAI, by_ollama: ollama.Client) -> None:
    (expected,) = client.embeddings.create(model="tiny-bert", input=[TEXT], encoding_format="float").data
    (ollamas,) = by_ollama.embed(model="tiny-bert", input=TEXT).embeddings
    native = httpx.post(f"{served.url}/embedding", json={"model": "tiny-bert", "content": TEXT}, trust_env=False)
    (llamacpps,) = native.json()[0]["embedding"]
    for vector in (ollamas, llamacpps):
        assert np.abs(np.array(vector) - expected.embedding).max() < 1e-5


def test_a_text_that_is_cut_keeps_its_end(by_ollama: ollama.Client) -> None:
    room = Bert.random().context
    got = by_ollama.embed(model="tiny-bert", input="tea " * 500)
    expected = Bert.random().vector(tokens(*["tea"] * (room - 2)))
    assert np.abs(np.array(got.embeddings[0]) - expected).max() < 5e-3
    assert got.prompt_eval_count == room


def test_a_text_that_is_too_long_is_refused_with_both_numbers(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"502 tokens.*128"):
        client.embeddings.create(model="tiny-bert", input="tea " * 500)


def test_asked_to_write_it_says_what_it_does(client: openai.OpenAI, by_ollama: ollama.Client) -> None:
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        client.chat.completions.create(model="tiny-bert", messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(openai.BadRequestError, match=REFUSED):
        client.completions.create(model="tiny-bert", prompt="Hi", stream=True)
    with pytest.raises(ollama.ResponseError, match=REFUSED):
        by_ollama.generate(model="tiny-bert", prompt="Hi")


def test_clients_and_the_page_are_told(served: Served, by_ollama: ollama.Client) -> None:
    assert by_ollama.show("tiny-bert").capabilities == ["embedding"]
    state = httpx.get(f"{served.url}/samovar/state", trust_env=False).json()
    assert {model["name"]: model["writes"] for model in state["models"]}["tiny-bert"] is False


def test_loaded_for_the_page_it_tells_what_it_is_for(serve: Serve, tmp_path: Path) -> None:
    path = Bert.random().write(tmp_path / "tiny-bert.gguf")
    served = serve("--model", str(path), "--ctx", "4096")
    assert served.post("/v1/embeddings", {"input": "tea"}).status_code == 200
    only_embeds, learnt = served.get("/samovar/state").json()["model"]["notes"]
    assert REFUSED in only_embeds
    assert re.search("up to 128 tokens.*4,096", learnt)


def test_control_tokens_in_a_text_are_text(client: openai.OpenAI) -> None:
    one, other = client.embeddings.create(
        model="tiny-bert", input=[f"{SPECIAL[3]} tea", WORDS[0]], encoding_format="float"
    ).data
    assert one.embedding != other.embedding
    assert client.embeddings.create(model="tiny-bert", input=f"{SPECIAL[3]}").usage.prompt_tokens > 3


def test_nobody_is_given_it_who_asked_for_no_model(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    Bert.random().write(tmp_path / "models" / "a-bert.gguf")
    served = serve(home=tmp_path)
    answer = served.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]})
    assert answer.status_code == 404
    assert "bert" not in answer.json()["error"]["message"]


@minilm.installed
def test_a_real_model_knows_what_texts_are_about(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    minilm.minilm().write(tmp_path / "models" / "minilm.gguf")
    served = start(tmp_path, "--model", "echo")
    texts = ["How do I brew tea?", "Pour boiling water over the leaves.", "The stock market fell on Friday."]
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        entries = client.embeddings.create(model="minilm", input=texts).data
    asked, answer, other = (np.array(entry.embedding) for entry in entries)
    served.stop()
    assert asked @ answer > 0.3 > 0.1 > asked @ other
