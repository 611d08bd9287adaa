"""The page's API: presets, what sampling there is, what a conversation draws with, and loops."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from samovar.core.parameters import Value
from samovar.sampling.orders import ORDERS
from samovar.sampling.registry import parameters, steps

from .test_page import Page, Stream, page

__all__ = ["page"]

SORRY = "I am sorry, but I cannot help you with that request. "


async def import_file(page: Page, filename: str, content: bytes, status: int = 200) -> dict:
    url = f"/samovar/presets/import?filename={quote(filename)}"
    response = await page.http.post(url, content=content)
    assert response.status_code == status, response.text
    return response.json()


async def test_all_that_can_be_set_is_declared_for_the_page(page: Page) -> None:
    english = await page.call("GET", "/sampling")
    russian = await page.call("GET", "/sampling", **{"accept-language": "ru"})
    assert {one["name"] for one in english["parameters"]} == {one.name for one in parameters().values()}
    for ours, theirs in zip(english["parameters"], russian["parameters"], strict=True):
        assert {"kind", "neutral", "default", "minimum", "maximum", "aliases", "step", "switch"} <= set(ours)
        assert ours["help"] and theirs["help"] and ours["help"] != theirs["help"]
        assert ours["step"] in steps()
    assert [one["name"] for one in english["steps"]] == list(steps())
    assert english["orders"] == {name: list(order) for name, order in ORDERS.items()}
    top_k = next(one for one in english["parameters"] if one["name"] == "top_k")
    assert (top_k["kind"], top_k["neutral"], top_k["default"], top_k["switch"]) == ("int", 0, 40, True)


async def test_a_preset_is_saved_read_renamed_and_deleted(page: Page) -> None:
    path = "/presets/" + quote("Вечерний чай")
    body = {
        "about": "Для сказок",
        "values": {"temp": 0.9, "top_k": None, "logit_bias": {"7": False}},
        "order": ["top_k"],
    }
    saved = await page.call("PUT", path, body)
    assert {name: saved[name] for name in ("name", "title", "about", "builtin", "problem")} == {
        "name": "Вечерний чай",
        "title": "Вечерний чай",
        "about": "Для сказок",
        "builtin": False,
        "problem": None,
    }
    assert saved["values"] == {"temperature": 0.9, "logit_bias": {"7": False}}
    assert saved["order"] == ["top_k"]
    assert (saved["complete"]["temperature"], saved["complete"]["min_p"]) == (0.9, 0)
    assert await page.call("GET", path) == saved
    renamed = await page.call("PATCH", path, {"name": "Tea"})
    assert renamed["name"] == "Tea"
    assert [one["name"] for one in await page.call("GET", "/presets")][-1] == "Tea"
    assert await page.call("DELETE", "/presets/Tea") == {}
    gone = await page.call("GET", "/presets/Tea", status=404)
    assert gone["error"]["kind"] == "NoSuchPreset"


async def test_the_list_says_what_each_is_for_in_the_readers_language(page: Page) -> None:
    english, russian = (
        await page.call("GET", "/presets"),
        await page.call("GET", "/presets", **{"accept-language": "ru"}),
    )
    assert len(english) >= 12
    for ours, theirs in zip(english, russian, strict=True):
        assert ours["builtin"] and ours["about"] and ours["problem"] is None
        assert ours["name"] == theirs["name"] and ours["about"] != theirs["about"]


async def test_what_cannot_be_is_refused_with_a_reason(page: Page, tmp_path: Path) -> None:
    await page.call("PUT", "/presets/creative", {}, status=409)
    await page.call("DELETE", "/presets/creative", status=409)
    await page.call("PUT", "/presets/a%3Ab", {}, status=400)
    wrong = await page.call("PUT", "/presets/mine", {"values": {"top_p": 7}}, status=422)
    assert "top_p is 7" in wrong["error"]["message"]
    near = await page.call("GET", "/presets/creativ", status=404)
    assert "creative" in near["error"]["message"]
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "cut.json").write_text("{")
    listed = await page.call("GET", "/presets", **{"accept-language": "ru"})
    assert listed[-1]["name"] == "cut" and "не читается" in listed[-1]["problem"]


async def test_a_file_of_another_program_is_imported(page: Page) -> None:
    taken = await import_file(page, "Big O.yaml", b"temperature: 0.87\ntypical_p: 0.68\nmax_new_tokens: 200\n")
    assert taken["preset"]["name"] == "Big O"
    assert taken["preset"]["values"] == {"temperature": 0.87, "typical_p": 0.68}
    assert taken["ignored"] == ["max_new_tokens"]
    refused = await import_file(page, "photo.png", b"\x89PNG", status=400)
    assert refused["error"]["kind"] == "InvalidInput"


async def test_a_conversation_keeps_its_sampling_and_tells_every_tab(page: Page) -> None:
    conversation = await page.new()
    path = f"/conversations/{conversation}"
    assert (await page.call("GET", path))["sampling"] is None
    stream = Stream(page.app, f"/samovar{path}/events")
    await stream.event()
    wish = {"preset": "creative", "values": {"top_k": 7}, "order": ["top_k", "min_p"]}
    head = await page.call("PATCH", path, {"sampling": wish})
    kept = head["sampling"]
    assert (kept["preset"], kept["order"], kept["values"]["top_k"]) == ("creative", ["top_k", "min_p"], 7)
    assert kept["values"]["temperature"] == 1.1
    assert await stream.event() == ("sampling", {"sampling": kept})
    assert (await page.call("GET", path))["sampling"] == kept

    await page.ask(conversation, "Hi")
    speech = await page.answers.speech()
    values: dict[str, Value] = speech.completion.sampling.values
    assert (values["top_k"], values["temperature"], values["top_p"]) == (7, 1.1, 1.0)
    assert speech.completion.sampling.order == ("top_k", "min_p")
    speech.end()

    assert (await page.call("PATCH", path, {"title": "Tea"}))["sampling"] == kept, "another change leaves it alone"
    assert (await page.call("PATCH", path, {"sampling": None}))["sampling"] is None
    await stream.until("sampling", sampling=None)
    await stream.leave()


async def test_sampling_that_is_wrong_changes_nothing(page: Page) -> None:
    conversation = await page.new()
    path = f"/conversations/{conversation}"
    await page.call("PATCH", path, {"title": "No", "sampling": {"values": {"top_q": 1}}}, status=400)
    await page.call("PATCH", path, {"title": "No", "sampling": {"preset": "creativ"}}, status=404)
    await page.call("PATCH", path, {"title": "No", "sampling": {"order": ["nowhere"]}}, status=400)
    await page.call("PATCH", path, {"title": "No", "sampling": 5}, status=400)
    await page.call("PATCH", path, {}, status=400)
    now = await page.call("GET", path)
    assert (now["title"], now["sampling"]) == ("", None)


async def test_a_loop_is_told_and_stays_in_the_statistics(page: Page) -> None:
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    answer = (await page.ask(conversation, "Help!"))["answer"]
    speech = await page.answers.speech()
    speech.say(SORRY * 9)
    *_, (_, loop) = await stream.until("loop", id=answer["id"])
    assert isinstance(loop, dict)
    assert loop["kind"] == "cycle" and loop["times"] >= 5 and loop["text"] in SORRY * 2
    speech.end()
    *_, (_, message) = await stream.until("message", id=answer["id"], state="done")
    assert isinstance(message, dict)
    assert message["stats"]["loop"] == {name: loop[name] for name in ("kind", "times", "text")}
    await stream.leave()


async def test_presets_are_plain_files(page: Page, tmp_path: Path) -> None:
    await page.call("PUT", "/presets/Mine", {"values": {"top_k": 3}})
    assert json.loads((tmp_path / "presets" / "Mine.json").read_text()) == {"values": {"top_k": 3}}
