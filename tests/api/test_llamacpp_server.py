"""What llama.cpp's server answers without drawing a token: tokens, templates, vectors, properties, slots."""

import httpx
import pytest

from samovar.services.contracts import ModelState
from tests.api.conftest import MODEL, Served


def post(served: Served, path: str, body: object) -> httpx.Response:
    with served.http() as client:
        return client.post(path, json=body)


def get(served: Served, path: str) -> httpx.Response:
    with served.http() as client:
        return client.get(path)


def test_texts_become_tokens_and_back(served: Served) -> None:
    assert post(served, "/tokenize", {"content": "ab"}).json() == {"tokens": [97, 98]}
    assert post(served, "/tokenize", {"content": "ab", "add_special": True}).json() == {"tokens": [256, 97, 98]}
    assert post(served, "/tokenize", {"content": ["a", 98]}).json() == {"tokens": [97, 98]}
    assert post(served, "/tokenize", {}).json() == {"tokens": []}
    assert post(served, "/tokenize", {"content": "é", "with_pieces": True}).json() == {
        "tokens": [{"id": 195, "piece": [195]}, {"id": 169, "piece": [169]}]
    }
    assert post(served, "/detokenize", {"tokens": [72, 105]}).json() == {"content": "Hi"}
    assert post(served, "/detokenize", {"tokens": []}).json() == {"content": ""}


def test_a_body_asks_for_so_many_texts_at_most(served: Served) -> None:
    many = ["a", 97] * 300
    assert post(served, "/tokenize", {"content": many}).status_code == 400
    assert post(served, "/completion", {"prompt": many}).status_code == 400
    assert post(served, "/completion", {"prompt": "a", "logit_bias": [["a", 1]] * 300}).status_code == 400
    assert post(served, "/tokenize", {"content": [97] * 3000 + ["b"]}).json()["tokens"] == [97] * 3000 + [98]
    assert len(served.answers.spelled) < 600


def test_control_tokens_are_read_unless_that_is_not_wanted(served: Served) -> None:
    post(served, "/tokenize", {"content": "a"})
    post(served, "/tokenize", {"content": "a", "parse_special": False})
    assert [special for _, special, _, _ in served.answers.spelled] == [True, False]


def test_where_no_model_was_chosen_sillytavern_s_counting_means_the_loaded_one(served: Served) -> None:
    assert post(served, "/tokenize", {"model": "undefined", "content": "ab"}).json() == {"tokens": [97, 98]}


def test_vllm_s_and_aphrodite_s_clients_count_without_a_begin_of_sequence_token(served: Served) -> None:
    counted = post(served, "/tokenize", {"model": MODEL, "prompt": "ab"}).json()
    assert counted == {"count": 2, "max_model_len": 2048, "tokens": [97, 98]}
    aphrodite = post(served, "/v1/tokenize", {"model": MODEL, "prompt": "ab"}).json()
    assert aphrodite == {"count": 2, "tokens": [97, 98]}, "no more: it is asked many times a turn"
    assert all(not special and not bos for _, special, bos, _ in served.answers.spelled)


def test_a_chat_becomes_a_prompt(served: Served) -> None:
    prompt = post(served, "/apply-template", {"messages": [{"role": "user", "content": "Hi"}]}).json()["prompt"]
    assert "Hi" in prompt


@pytest.mark.parametrize("path", ["/embedding", "/embeddings"])
def test_a_vector_for_each_text(served: Served, path: str) -> None:
    vector = {"embedding": [[0.6, 0.8]]}
    assert post(served, path, {"content": "a"}).json() == [{"index": 0, **vector}]
    assert post(served, path, {"input": ["a", [1, 2]]}).json() == [{"index": 0, **vector}, {"index": 1, **vector}]
    assert post(served, path, {"content": "a", "embd_normalize": -1}).status_code == 400


def test_properties_have_the_template_as_it_is_and_no_path(served: Served) -> None:
    told = get(served, "/props").json()
    assert told["chat_template"] == "{{ messages }}"
    assert told["default_generation_settings"]["n_ctx"] == 2048
    assert (told["total_slots"], told["model_path"], told["is_sleeping"]) == (4, MODEL, False)
    assert (told["bos_token"], told["eos_token"]) == ("<s>", "</s>")
    other = get(served, "/props?model=another/model").json()
    assert (other["model_path"], other["is_sleeping"]) == ("another/model", True)
    assert other["default_generation_settings"]["n_ctx"] == served.models.usual_window, (
        "what it would be loaded with"
    )
    assert get(served, "/props?model=nothing").status_code == 404
    served.models.state = ModelState()
    assert get(served, "/props").status_code == 503


def test_properties_are_those_of_the_model_that_is_named_and_nothing_is_loaded(served: Served) -> None:
    assert get(served, f"/props?model={MODEL}").json() == get(served, "/props").json()
    assert get(served, "/props?model=another/model").json()["is_sleeping"] is True
    assert served.models.loads == []


def test_slots_are_those_of_the_model_that_is_named(served: Served) -> None:
    assert get(served, "/slots?model=another/model").status_code == 200
    assert post(served, "/slots/1?action=save&model=another/model", {"filename": "tea"}).status_code == 200
    body = {"filename": "tea", "model": "another/model"}
    assert post(served, "/slots/1?action=restore", body).status_code == 200
    assert post(served, "/slots/1?action=erase", {"model": "default"}).status_code == 200
    assert served.slots.models == ["another/model"] * 3 + [None]
    assert get(served, "/slots?model=nothing").status_code == 404
    assert post(served, "/slots/1?action=erase&model=nothing", {}).status_code == 404


@pytest.mark.parametrize("path", ["/props", "/rerank", "/v1/rerank", "/reranking", "/lora-adapters"])
def test_what_is_not_there_says_so(served: Served, path: str) -> None:
    error = post(served, path, {}).json()["error"]
    assert (error["code"], error["type"]) == (501, "not_supported_error")


def test_there_are_no_adapters_and_the_server_is_well(served: Served) -> None:
    assert get(served, "/lora-adapters").json() == []
    assert get(served, "/health").json()["status"] == "ok"


def test_slots_say_what_they_do_and_nothing_of_what_others_said(served: Served) -> None:
    busy, idle = get(served, "/slots").json()
    assert (busy["id"], busy["is_processing"], busy["n_prompt_tokens"]) == (0, True, 0)
    assert (idle["id"], idle["is_processing"], idle["n_ctx"], idle["n_past"]) == (1, False, 2048, 9)
    assert get(served, "/slots?fail_on_no_slot=1").status_code == 200


def test_a_prompt_is_kept_by_a_name_and_is_there_again(served: Served) -> None:
    saved = post(served, "/slots/1?action=save", {"filename": "../tea"}).json()
    assert (saved["id_slot"], saved["filename"], saved["n_saved"], saved["n_written"]) == (1, "../tea", 9, 60)
    restored = post(served, "/slots/1?action=restore", {"filename": "../tea"}).json()
    assert (restored["id_slot"], restored["n_restored"], restored["n_read"]) == (0, 9, 60)
    assert restored["timings"].keys() == {"restore_ms"}
    assert post(served, "/slots/1?action=erase", {}).json() == {"id_slot": 1, "n_erased": 9}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/slots/1", 400),
        ("/slots/1?action=delete", 400),
        ("/slots/one?action=erase", 400),
        ("/slots/-1?action=erase", 400),
        ("/slots/0?action=save", 404),
        ("/slots/1?action=restore", 404),
    ],
)
def test_what_no_slot_can_do(served: Served, path: str, status: int) -> None:
    reply = post(served, path, {"filename": "nothing"})
    assert reply.status_code == status
    assert reply.json()["error"]["code"] == status
