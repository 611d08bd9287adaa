"""What tabbyAPI's clients rely on beside completions."""

import json

import pytest

from samovar.core.errors import NotEnoughMemory
from samovar.core.rope import CacheTypes, Context
from samovar.prompts import named
from samovar.services.contracts import ContextChoice, ModelState, Own
from tests.api.conftest import MODEL, Served


def test_the_models_and_the_loaded_one(served: Served) -> None:
    with served.http() as client:
        listed = client.get("/v1/model/list").json()
        assert [card["id"] for card in listed["data"]] == [MODEL, "another/model"]
        card = client.get("/v1/model").json()
    assert card["id"] == MODEL
    assert card["parameters"]["max_seq_len"] == 2048
    assert card["parameters"]["cache_mode"] == "FP16"
    assert card["parameters"]["prompt_template_content"] == "{{ messages }}"


@pytest.mark.parametrize(
    ("suiting", "kept", "mode"),
    [
        (CacheTypes("q8_0", "f16"), None, "8,16"),
        (CacheTypes("q8_0", "f16"), CacheTypes("q4_0", "q4_0"), "Q4"),
    ],
)
def test_the_card_tells_what_keys_and_values_are_kept_as(
    served: Served, suiting: CacheTypes, kept: CacheTypes | None, mode: str
) -> None:
    served.models.suiting = suiting
    served.models.kept = {MODEL: Context(cache=kept)} if kept else {}
    with served.http() as client:
        assert client.get("/v1/model").json()["parameters"]["cache_mode"] == mode


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


@pytest.mark.parametrize("path", ["/v1/templates", "/v1/template/list"])
def test_a_template_is_switched_for_the_loaded_model_and_back_to_that_of_its_file(
    served: Served, path: str
) -> None:
    with served.http() as client:
        listed = client.get(path).json()["data"]
        assert listed[0] == "from_model" and "ChatML" in listed
        for name in listed[1:]:
            assert client.post("/v1/template/switch", json={"prompt_template_name": name}).status_code == 200
            card = client.get("/v1/model").json()["parameters"]
            assert (card["prompt_template"], card["prompt_template_content"]) == (name, named.source(name))
        for back in ("switch", "unload"):
            client.post("/v1/template/switch", json={"prompt_template_name": "chatml"})
            body = {"prompt_template_name": "from_model"} if back == "switch" else {}
            assert client.post(f"/v1/template/{back}", json=body).status_code == 200
            assert client.get("/v1/model").json()["parameters"]["prompt_template"] == "from_model"
    assert served.library.owned == {MODEL: Own()}


def test_a_preset_is_switched_for_the_loaded_model_and_away_again(served: Served) -> None:
    served.library.owned[MODEL] = Own(threads=3)
    with served.http() as client:
        before = client.get("/v1/sampling/overrides").json()
        assert before["selected_preset"] is None and before["overrides"] == {}
        assert client.post("/v1/sampling/override/switch", json={"preset": "creative"}).status_code == 200
        assert served.library.owned[MODEL] == Own(threads=3, preset="creative")
        chosen = client.get("/v1/sampling/override/list").json()
        assert chosen["selected_preset"] == "creative" and "creative" in chosen["presets"]
        assert chosen["overrides"]["temperature"].keys() == {"override", "force", "additive"}
        client.post("/v1/completions", json={"prompt": "Hi", "top_k": 7})
        assert client.post("/v1/sampling/override/unload").status_code == 200
    sampling = served.answers.asked[0].sampling.values
    assert sampling["temperature"] == chosen["overrides"]["temperature"]["override"] and sampling["top_k"] == 7
    assert served.library.owned[MODEL] == Own(threads=3)


def test_a_switch_that_cannot_be_says_why_and_changes_nothing(served: Served) -> None:
    wrong = (
        ("/v1/template/switch", {"prompt_template_name": "no such"}, 404, "ChatML"),
        ("/v1/template/switch", {}, 400, "prompt_template_name"),
        ("/v1/sampling/override/switch", {"preset": "creativ"}, 404, "creative"),
        ("/v1/sampling/override/switch", {}, 400, "preset"),
        ("/v1/sampling/override/switch", {"overrides": {"top_k": {"override": 1}}}, 501, "preset"),
    )
    with served.http() as client:
        for address, body, status, word in wrong:
            answer = client.post(address, json=body)
            assert (answer.status_code, word in answer.json()["detail"]) == (status, True)
        served.models.state = ModelState()
        for address in ("template", "sampling/override"):
            assert client.post(f"/v1/{address}/unload").status_code == 404
    assert served.library.owned == {}


def test_a_model_is_loaded_with_a_template(served: Served) -> None:
    with served.http() as client:
        client.post("/v1/model/load", json={"model_name": MODEL, "prompt_template": "Vicuna"})
        missing = client.post("/v1/model/load", json={"model_name": MODEL, "prompt_template": "no such"})
    assert served.library.owned == {MODEL: Own(template=named.source("Vicuna"))}
    assert missing.status_code == 404
    assert served.models.asked_for == [MODEL]


def test_what_there_is_none_of(served: Served) -> None:
    with served.http() as client:
        for address in ("/v1/loras", "/v1/model/draft/list", "/v1/model/embedding/list"):
            assert client.get(address).json()["data"] == []
        refused = client.post("/v1/lora/load", json={})
    assert refused.status_code == 501
    assert refused.json()["detail"]


def test_permission_and_download(served: Served) -> None:
    with served.http() as client:
        assert client.get("/v1/auth/permission").json() == {"permission": "admin"}
        answer = client.post("/v1/download", json={"repo_id": "org/repo", "include": ["model.gguf"]})
        assert answer.json() == {"download_path": MODEL}
        assert client.post("/v1/download", json={}).status_code == 400
    assert served.library.pulled == ["org/repo/model.gguf"]
