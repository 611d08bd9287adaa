"""Models by name over HTTP: how far a load is, what is loaded, other names, and what a model has of its own."""

from __future__ import annotations

import asyncio
import json

import pytest

from samovar.api.answering import starting
from samovar.core.catalogue import say
from samovar.core.errors import EngineFailed, NotEnoughMemory
from samovar.services.contracts import ModelState, Own
from tests.api.conftest import MODEL, Served

CHAT = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samovar.api.answering.desk.BRIEF", 0.05)


def is_loading(served: Served) -> None:
    """The model is being loaded, until the test says otherwise."""
    served.models.state = ModelState(MODEL, "loading", 0.42)
    served.answers.opens = asyncio.Event()


@pytest.mark.usefixtures("impatient")
def test_a_stream_says_how_far_the_load_is_before_it_begins(served: Served) -> None:
    is_loading(served)
    with served.http() as client, client.stream("POST", "/v1/chat/completions", json=CHAT) as answer:
        assert answer.status_code == 200
        raw = b""
        for piece in answer.iter_raw():
            raw += piece
            if b"loading" in raw:
                served.answers.open()
    comments, _, rest = raw.partition(b"data: ")
    assert set(comments.split(b"\n\n")) == {b": loading 0.42", b""}
    assert b'"content":"Hel"' in rest and rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.usefixtures("impatient")
def test_a_load_that_fails_after_that_is_said_in_the_stream(served: Served) -> None:
    is_loading(served)
    served.answers.refusal = NotEnoughMemory("api.broken_off")
    with served.http() as client, client.stream("POST", "/v1/chat/completions", json=CHAT) as answer:
        raw = b""
        for piece in answer.iter_raw():
            raw += piece
            if b"loading" in raw:
                served.answers.open()
    assert json.loads(raw.partition(b"data: ")[2])["error"]["message"] == say("api.broken_off", "en")


def test_what_fails_sooner_has_its_status(served: Served) -> None:
    served.models.state = ModelState(MODEL, "loading", 0.42)
    served.answers.refusal = EngineFailed("api.broken_off")
    with served.http() as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 500


@pytest.mark.usefixtures("impatient")
def test_who_goes_away_while_it_loads_asks_for_nothing(served: Served) -> None:
    is_loading(served)
    with served.http() as client, client.stream("POST", "/v1/chat/completions", json=CHAT) as answer:
        assert next(answer.iter_raw()).startswith(b": loading")
    assert served.answers.abandoned.wait(20)


def test_an_answer_is_waited_for_briefly_before_a_load_is_spoken_of() -> None:
    assert 0 < starting.BRIEF <= 2


def test_a_model_may_be_asked_by_another_name(served: Served) -> None:
    with served.http() as client:
        asked = {"model": "gpt-4o", "messages": CHAT["messages"]}
        assert client.post("/v1/chat/completions", json=asked).status_code == 404
        named = client.put("/samovar/models/aliases/gpt-4o", json={"name": MODEL})
        assert named.json() == {"gpt-4o": MODEL}
        assert client.post("/v1/chat/completions", json=asked).status_code == 200
        assert client.delete("/samovar/models/aliases/gpt-4o").json() == {}


def test_the_models_preset_stands_under_the_requests_own_values(served: Served) -> None:
    served.library.owned[MODEL] = Own(preset="creative")
    with served.http() as client:
        for own in ({}, {"temperature": 0.5}):
            client.post("/v1/chat/completions", json={"messages": CHAT["messages"], **own})
        served.library.owned[MODEL] = Own(preset="one that is gone")
        assert client.post("/v1/chat/completions", json={"messages": CHAT["messages"]}).status_code == 200
    preset, over, gone = (dict(completion.sampling.values) for completion in served.answers.asked)
    assert over == preset | {"temperature": 0.5} != preset
    assert len(gone) < len(preset)


def test_what_a_model_has_of_its_own_is_set_and_checked(served: Served) -> None:
    path = f"/samovar/models/{MODEL}/settings"
    own = {"threads": 2, "library": "ik", "template": "{{ messages }}", "preset": "creative"}
    with served.http() as client:
        assert client.put(path, json=own).json() == own
        assert client.get(path).json() == own
        for wrong in ({"threads": 0}, {"library": "other"}, {"colour": "red"}, {"threads": "two"}):
            refused = client.put(path, json=wrong)
            assert refused.status_code == 400 and refused.json()["error"]["kind"] == "InvalidInput"
        assert client.put(path, json={"preset": "no such preset"}).status_code == 404


def test_a_preset_is_kept_by_the_name_that_it_has_and_a_template_has_to_work(served: Served) -> None:
    path = f"/samovar/models/{MODEL}/settings"
    with served.http() as client:
        assert client.put(path, json={"preset": "CREATIVE"}).json()["preset"] == "creative"
        refused = client.put(path, json={"template": "{% if %}"})
        assert refused.status_code == 400 and "Nothing was changed" in refused.json()["error"]["message"]
        assert client.get(path).json()["preset"] == "creative"


def test_the_templates_that_a_model_could_have_are_told(served: Served) -> None:
    with served.http() as client:
        assert client.get(f"/samovar/models/{MODEL}/template").json() == {"template": "{{ messages }}"}
        listed = client.get("/samovar/models/templates").json()
        assert {"ChatML", "Llama-3"} <= {one["name"] for one in listed}
        assert all("messages" in one["template"] for one in listed)


def test_what_is_loaded_is_listed_and_unloaded(served: Served) -> None:
    with served.http() as client:
        (line,) = client.get("/samovar/models/loaded").json()
        assert (line["name"], line["state"], line["memory"], line["page"]) == (MODEL, "ready", 9, True)
        client.delete(f"/samovar/models/loaded/{MODEL}")
        client.delete("/samovar/models/loaded")
    assert served.models.unloaded == [MODEL, None]
