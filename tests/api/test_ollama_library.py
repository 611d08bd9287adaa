"""The real `ollama` package against the app: vectors, the library, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timezone

import ollama
import pytest

from samovar.core import errors as tree
from samovar.services.contracts import LoadedModel, Pulling
from tests.api.conftest import MODEL, Served

SHOWN = f"{MODEL}:latest"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(served: Served) -> ollama.Client:
    return served.closing.enter_context(ollama.Client(served.url, trust_env=False))


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
    client.embed(MODEL, "a")
    client.embed(MODEL, "a", truncate=False)
    client.embeddings(MODEL, "a")
    assert [truncate for _, _, truncate in served.answers.embedded] == [True, False, True]


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
    served.models.loaded = lambda: (LoadedModel(MODEL, 9, 2048, 1.8e9),)
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
    assert served.answers.asked[-1].model == MODEL


def test_a_pull_that_is_refused_has_its_status_and_one_that_breaks_says_so(
    served: Served, client: ollama.Client
) -> None:
    async def refused(source: str) -> AsyncIterator[Pulling]:
        raise tree.NotFound("api.no_model", name=source, installed="—")
        yield

    async def broken(_: str) -> AsyncIterator[Pulling]:
        yield Pulling(1, 2)
        raise tree.DownloadFailed("api.broken_off")

    served.library.pull = refused
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError, match="no model named “missing”") as error:
            list(client.pull("missing", stream=True)) if stream else client.pull("missing")
        assert error.value.status_code == 404
    served.library.pull = broken
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

    served.library.pull = endless
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
    for name in ("tea:latest", "COFFEE"):
        client.delete(name)
    assert served.library.removed == ["another/model"]
    assert served.library.known == {"milk": MODEL}


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
