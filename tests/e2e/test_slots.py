"""Prompts kept by name through llama.cpp's API, on a real server with a real model: what is restored need not be
read again, also after the server was started anew."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Serve, Served

STORY = "Once upon a time there was a little samovar that sang to everybody who came in from the cold. " * 8
OTHER = "The square of the hypotenuse is the sum of the squares of the other two sides of the triangle. " * 8


def complete(served: Served, prompt: object, **body: object) -> dict[str, object]:
    reply = served.post("/completion", {"prompt": prompt, "temperature": 0, "n_predict": 4, **body})
    assert reply.status_code == 200, reply.text
    return reply.json()


def act(served: Served, slot: object, action: str, name: str = "tea") -> dict[str, object]:
    reply = served.post(f"/slots/{slot}?action={action}", {"filename": name})
    assert reply.status_code == 200, reply.text
    return reply.json()


def computed(answer: dict[str, object]) -> int:
    """Tokens of the prompt that were not in any cache."""
    timings = answer["timings"]
    assert isinstance(timings, dict)
    return int(timings["prompt_n"])


def test_what_was_saved_is_in_the_cache_again_after_a_restart(serve: Serve) -> None:
    first = serve("--ctx", "1024", "--kv-disk", "0")
    said = complete(first, STORY)
    saved = act(first, said["id_slot"], "save")
    assert saved["n_saved"] == said["tokens_cached"]
    first.stop()

    again = serve("--ctx", "1024", "--kv-disk", "0", home=first.home)
    complete(again, OTHER)
    restored = act(again, 0, "restore")
    assert restored["n_restored"] == saved["n_saved"]
    assert restored["n_read"] == saved["n_written"]
    answer = complete(again, STORY)
    assert computed(answer) <= 1
    assert answer["content"] == said["content"]


def test_slots_tell_the_truth_about_the_engine_s_sequences(starter: Served) -> None:
    said = complete(starter, OTHER)
    slots = starter.get("/slots").json()
    assert len(slots) == starter.get("/props").json()["total_slots"]
    mine = slots[int(str(said["id_slot"]))]
    assert mine["n_prompt_tokens"] == said["tokens_evaluated"]
    assert mine["next_token"][0]["n_decoded"] == said["tokens_predicted"]
    assert not any(slot["is_processing"] for slot in slots)


def test_an_erased_slot_holds_nothing(starter: Served) -> None:
    said = complete(starter, STORY)
    slot = int(str(said["id_slot"]))
    act(starter, slot, "erase")
    assert starter.get("/slots").json()[slot]["n_past"] == 0
    assert starter.post(f"/slots/{slot}?action=save", {"filename": "tea"}).status_code == 404


def test_names_are_names(starter: Served) -> None:
    said = complete(starter, STORY)
    act(starter, said["id_slot"], "save", "../../etc/passwd")
    kept = sorted(path.name for path in (starter.home / "slots").iterdir())
    assert kept
    assert all(name.endswith(".json") and name[:-5].isalnum() for name in kept)
    assert act(starter, 0, "restore", "../../etc/passwd")["n_restored"] == said["tokens_cached"]
    assert starter.post("/slots/0?action=restore", {"filename": "etc/passwd"}).status_code == 404
    assert starter.post("/slots/0?action=save", {"filename": ""}).status_code == 400
    assert starter.post("/slots/999?action=save", {"filename": "x"}).status_code == 404


@pytest.mark.parametrize("prompt", [STORY, [504, 3575, 28]])
def test_a_prompt_of_which_nothing_is_to_be_said_is_read(starter: Served, prompt: object) -> None:
    read = complete(starter, prompt, n_predict=0)
    assert (read["content"], read["tokens_predicted"], read["stop_type"]) == ("", 0, "limit")
    assert computed(complete(starter, prompt)) == 0


def test_what_one_key_saved_is_nothing_to_another(serve: Serve) -> None:
    served = serve("--api-key", "owner", "--ctx", "1024")

    def key(name: str) -> dict[str, str]:
        with served.client() as client:
            made = client.post(
                "/samovar/keys", json={"name": name, "scope": "manage"}, headers={"x-api-key": "owner"}
            )
        return {"x-api-key": made.json()["secret"]}

    mine, theirs = key("mine"), key("theirs")
    with served.client() as client:
        said = client.post("/completion", json={"prompt": STORY, "n_predict": 2}, headers=mine).json()
        slot = said["id_slot"]
        save, restore = f"/slots/{slot}?action=save", f"/slots/{slot}?action=restore"
        tea = {"filename": "tea"}
        assert client.post(save, json=tea, headers=theirs).status_code == 404
        assert client.post(save, json=tea, headers=mine).json()["n_saved"] == said["tokens_cached"]
        assert client.post(restore, json=tea, headers=theirs).status_code == 404
        assert client.get("/slots", headers=mine).json()[slot]["n_prompt_tokens"] == said["tokens_evaluated"]
        assert client.get("/slots", headers=theirs).json()[slot]["n_prompt_tokens"] == 0
