"""What tabbyAPI's clients rely on beside completions."""

import json

from samovar.core.errors import NotEnoughMemory
from samovar.core.rope import CacheTypes, Context
from samovar.services.contracts import ContextChoice, ModelState
from tests.api.conftest import MODEL, Served


def test_the_models_and_the_loaded_one(served: Served) -> None:
    with served.http() as client:
        listed = client.get("/v1/model/list").json()
        assert [card["id"] for card in listed["data"]] == [MODEL, "another/model"]
        card = client.get("/v1/model").json()
    assert card["id"] == MODEL
    assert card["parameters"]["max_seq_len"] == 2048
    assert card["parameters"]["prompt_template_content"] == "{{ messages }}"


def test_no_loaded_model_is_no_card(served: Served) -> None:
    served.models.state = ModelState()
    with served.http() as client:
        answer = client.get("/v1/model")
    assert answer.status_code == 404
    assert "/v1/model/load" in answer.json()["detail"]


def test_a_load_tells_how_far_it_is(served: Served) -> None:
    served.models.progress = (0.25, 0.5)
    body = {"model_name": MODEL, "max_seq_len": 4096, "cache_mode": "8,4", "gpu_split_auto": True}
    with served.http() as client:
        answer = client.post("/v1/model/load", json=body)
    steps = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [(step["module"], step["status"]) for step in steps] == [
        (25, "processing"),
        (50, "processing"),
        (100, "finished"),
    ]
    assert served.models.loads == [(MODEL, ContextChoice(Context(ctx=4096, cache=CacheTypes("q8_0", "q4_0"))))]


def test_a_load_that_fails_says_why(served: Served) -> None:
    served.models.refusal = NotEnoughMemory("api.broken_off")
    with served.http() as client:
        answer = client.post("/v1/model/load", json={"model_name": MODEL})
        unknown = client.post("/v1/model/load", json={"model_name": "no such"})
    assert json.loads(answer.text.splitlines()[-2][6:]).keys() == {"detail"}
    assert unknown.status_code == 404


def test_unloading(served: Served) -> None:
    with served.http() as client:
        assert client.post("/v1/model/unload").status_code == 200
    assert served.models.unloaded == [MODEL]


def test_tokens_and_back(served: Served) -> None:
    with served.http() as client:
        usual = client.post("/v1/token/encode", json={"text": "hi"}).json()
        bare = {"text": "hi", "add_bos_token": False, "encode_special_tokens": False}
        assert usual == {"tokens": [256, 104, 105], "length": 3}
        assert client.post("/v1/token/encode", json=bare).json() == {"tokens": [104, 105], "length": 2}
        chat = client.post("/v1/token/encode", json={"text": [{"role": "user", "content": "hi"}]}).json()
        assert chat["length"] == len(chat["tokens"]) > 2
        assert client.post("/v1/token/decode", json={"tokens": [104, 105]}).json() == {"text": "hi"}
    assert [asked[1:3] for asked in served.answers.spelled[:2]] == [(True, True), (False, False)]


def test_templates_presets_and_what_there_is_none_of(served: Served) -> None:
    with served.http() as client:
        assert "ChatML" in client.get("/v1/templates").json()["data"]
        assert "neutral" in client.get("/v1/sampling/overrides").json()["presets"]
        for address in ("/v1/loras", "/v1/model/draft/list", "/v1/model/embedding/list"):
            assert client.get(address).json()["data"] == []
        for address in ("/v1/template/switch", "/v1/sampling/override/switch", "/v1/lora/load"):
            refused = client.post(address, json={})
            assert refused.status_code == 501
            assert refused.json()["detail"]


def test_permission_and_download(served: Served) -> None:
    with served.http() as client:
        assert client.get("/v1/auth/permission").json() == {"permission": "admin"}
        answer = client.post("/v1/download", json={"repo_id": "org/repo", "include": ["model.gguf"]})
        assert answer.json() == {"download_path": MODEL}
        assert client.post("/v1/download", json={}).status_code == 400
    assert served.library.pulled == ["org/repo/model.gguf"]
