"""The panel of sampling: presets, parameters and the instruction; and what to do about an answer in a loop."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.web.conftest import CIRCLE, Talk, tab

pytestmark = pytest.mark.browser


def panel(talk: Talk) -> Locator:
    """The panel of sampling, opened where it is not."""
    found = talk.page.get_by_role("region", name="Sampling")
    if not found.count():
        talk.page.get_by_role("button", name="Sampling", exact=True).click()
    expect(found.locator("summary")).to_be_visible()
    return found


def choose(talk: Talk, title: str) -> None:
    talk.page.get_by_role("button", name=re.compile("^Preset: ")).click()
    talk.page.get_by_role("list", name="Presets").get_by_role("button", name=re.compile(f"^{title}")).click()
    expect(chosen(talk)).to_contain_text(title)


def chosen(talk: Talk) -> Locator:
    return talk.page.get_by_role("button", name=re.compile("^Preset: "))


def number(talk: Talk, name: str) -> Locator:
    return panel(talk).get_by_role("spinbutton", name=name, exact=True)


def kept(talk: Talk) -> dict[str, Any]:
    """What the server keeps for the open conversation."""
    conversation = talk.page.url.rpartition("/")[2]
    sampling: dict[str, Any] = talk.server.get(f"/samovar/conversations/{conversation}").json()["sampling"]
    return sampling


def save_as(talk: Talk, name: str) -> None:
    panel(talk).get_by_role("button", name="Save as preset…").click()
    panel(talk).get_by_label("Name of the preset").fill(name)
    panel(talk).get_by_role("button", name="Save", exact=True).click()
    expect(chosen(talk)).to_contain_text(name)


def test_every_declared_parameter_can_be_set(talk: Talk) -> None:
    declared = talk.server.get("/samovar/sampling").json()["parameters"]
    names = panel(talk).locator(".parameter").evaluate_all("all => all.map(one => one.dataset.parameter)")
    assert sorted(names) == sorted(one["name"] for one in declared)


def test_what_is_neutral_is_folded_away(talk: Talk) -> None:
    choose_from = panel(talk)
    expect(number(talk, "temperature")).to_be_visible()
    expect(number(talk, "skew")).to_be_hidden()
    choose_from.get_by_text(re.compile(r"^More \(\d+\)")).click()
    expect(number(talk, "skew")).to_be_visible()


def test_a_value_reaches_the_server_and_every_tab(talk: Talk, context: BrowserContext) -> None:
    talk.ask("How is tea made?")
    panel(talk)
    with tab(context, talk.server) as second:
        second.page.goto(talk.page.url)
        panel(second)
        number(talk, "temperature").fill("0.35")
        expect(number(second, "temperature")).to_have_value("0.35")
    assert kept(talk)["values"]["temperature"] == 0.35
    talk.page.reload()
    expect(number(talk, "temperature")).to_have_value("0.35")


def test_the_next_answer_is_asked_for_after_what_was_just_set(talk: Talk) -> None:
    talk.ask("How is tea made?")
    asked: list[str] = []
    talk.page.on("request", lambda request: asked.append(request.method) if request.method != "GET" else None)
    number(talk, "temperature").fill("0.25")
    talk.ask("And coffee?")
    assert asked == ["PATCH", "POST"]


def test_a_preset_sets_everything_and_what_is_changed_then_is_marked(talk: Talk) -> None:
    panel(talk)
    choose(talk, "Wild but coherent")
    expect(number(talk, "xtc_probability")).to_have_value("0.5")
    expect(panel(talk).locator(".changed")).to_have_count(0)
    number(talk, "temperature").fill("1.5")
    expect(panel(talk).locator(".changed")).to_have_attribute("data-parameter", "temperature")
    expect(chosen(talk)).to_contain_text("changed")
    panel(talk).get_by_role("button", name="Set temperature to neutral").click()
    expect(number(talk, "temperature")).to_have_value("1")
    panel(talk).get_by_role("button", name="All to neutral").click()
    expect(number(talk, "xtc_probability")).to_have_value("0")


def test_a_value_out_of_range_is_not_taken(talk: Talk) -> None:
    talk.ask("How is tea made?")
    number(talk, "min_p").fill("0.2")
    number(talk, "min_p").fill("7")
    expect(number(talk, "min_p")).to_have_attribute("aria-invalid", "true")
    number(talk, "min_p").blur()
    expect(number(talk, "min_p")).to_have_value("0.2")
    talk.ask("And coffee?")
    assert kept(talk)["values"]["min_p"] == 0.2


def test_what_is_set_stays_where_it_stood(talk: Talk) -> None:
    panel(talk).get_by_text(re.compile(r"^More \(\d+\)")).click()
    inside = panel(talk).locator("details .parameter")
    before = inside.count()
    number(talk, "dry_multiplier").fill("0.5")
    expect(panel(talk).get_by_text("1 changed")).to_be_visible()
    expect(inside).to_have_count(before)


def test_lists_and_switches_are_set_too(talk: Talk) -> None:
    talk.ask("How is tea made?")
    panel(talk).get_by_text(re.compile(r"^More \(\d+\)")).click()
    panel(talk).get_by_role("textbox", name="logit_bias").fill("7: false, 50: -1.5")
    panel(talk).get_by_role("textbox", name="dry_sequence_breakers").fill(r'"\n", "."')
    panel(talk).get_by_role("switch", name="temperature_last").check()
    expect(panel(talk).get_by_text("3 changed")).to_be_visible()
    talk.ask("And coffee?")
    values = kept(talk)["values"]
    assert values["logit_bias"] == {"7": False, "50": -1.5}
    assert values["dry_sequence_breakers"] == ["\n", "."]
    assert values["temperature_last"] is True


def test_ones_own_preset_is_saved_chosen_deleted_and_brought_back(talk: Talk) -> None:
    number(talk, "temperature").fill("0.45")
    save_as(talk, "evening")
    choose(talk, "Precise")
    choose(talk, "evening")
    expect(number(talk, "temperature")).to_have_value("0.45")
    chosen(talk).click()
    panel(talk).get_by_role("button", name="Delete the preset “evening”").click()
    expect(panel(talk).get_by_role("button", name=re.compile("^evening"))).to_have_count(0)
    talk.page.get_by_role("button", name="Undo").click()
    expect(panel(talk).get_by_role("button", name=re.compile("^evening"))).to_be_visible()


def test_another_programs_preset_is_taken_over(talk: Talk) -> None:
    content = json.dumps({"temp": 0.55, "nothing_of_ours": 3})
    file = {"name": "Grandmother.settings", "mimeType": "application/json", "buffer": content.encode()}
    panel(talk).locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(chosen(talk)).to_contain_text("Grandmother")
    expect(number(talk, "temperature")).to_have_value("0.55")
    expect(talk.page.get_by_text("nothing_of_ours")).to_be_visible()


def test_a_new_conversation_begins_with_the_instruction_and_the_values_that_were_set(talk: Talk) -> None:
    panel(talk).get_by_label("Instruction to the model").fill("Answer like a sailor.")
    choose(talk, "Precise")
    talk.say("How is tea made?")
    talk.written()
    expect(talk.page.locator("article.system")).to_contain_text("Answer like a sailor.")
    assert kept(talk)["preset"] == "precise"
    # It stays as it is: shown, and no longer a field.
    expect(panel(talk).locator(".given")).to_have_text("Answer like a sailor.")
    expect(panel(talk).locator("textarea")).to_have_count(0)
    talk.page.get_by_role("link", name="New conversation").click()
    expect(panel(talk).get_by_label("Instruction to the model")).to_have_value("")
    expect(chosen(talk)).to_contain_text("Default")


def test_on_a_small_screen_the_panel_is_all_there_is(talk: Talk) -> None:
    talk.page.set_viewport_size({"width": 360, "height": 740})
    box = panel(talk).bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["height"]) == (0, 360, 740)
    assert talk.page.evaluate("document.documentElement.scrollWidth") == 360
    talk.page.keyboard.press("Escape")
    expect(talk.page.get_by_role("region", name="Sampling")).to_have_count(0)


def test_a_loop_is_shown_while_it_is_written_and_can_be_stopped(looping: Talk) -> None:
    looping.say("Tell me about tea.")
    loop = looping.answer.locator(".loop")
    expect(loop).to_contain_text(re.compile(r"goes round in a circle; said \d+ times"))
    assert loop.locator("q").inner_text().strip("“”") in CIRCLE * 3
    loop.get_by_role("button", name="Stop").click()
    expect(looping.answer).to_contain_text("Stopped.")
    # It is known afterwards, too.
    looping.page.reload()
    expect(loop).to_contain_text("goes round in a circle")
    expect(loop.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_loop_can_be_answered_again_while_it_is_written(looping: Talk) -> None:
    looping.say("Tell me about tea.")
    looping.answer.locator(".loop").get_by_role("button", name="Answer again", exact=True).click()
    expect(looping.answer.locator(".versions")).to_have_text(re.compile("2/2"))
    looping.page.get_by_role("button", name="Stop").first.click()


def test_dry_is_raised_and_the_answer_begins_again(looping: Talk) -> None:
    looping.say("Tell me about tea.")
    looping.answer.locator(".loop").get_by_role("button", name="Raise DRY and answer again").click()
    expect(looping.answer.locator(".versions")).to_have_text(re.compile("2/2"))
    assert kept(looping)["values"]["dry_multiplier"] == 0.8
    expect(number(looping, "dry_multiplier")).to_have_value("0.8")
    looping.page.get_by_role("button", name="Stop").first.click()


def test_raising_dry_keeps_the_values_of_the_models_own_preset(looping: Talk) -> None:
    own = {"threads": None, "library": None, "template": None, "preset": "creative"}
    with looping.server.client() as client:
        creative = client.get("/samovar/presets/creative").json()["complete"]
        client.put("/samovar/models/echo/settings", json=own)
        looping.open()
        looping.say("Tell me about tea.")
        looping.answer.locator(".loop").get_by_role("button", name="Raise DRY and answer again").click()
        expect(looping.answer.locator(".versions")).to_have_text(re.compile("2/2"))
        client.put("/samovar/models/echo/settings", json=own | {"preset": None})
    values = kept(looping)["values"]
    assert (values["temperature"], values["dry_multiplier"]) == (creative["temperature"], 0.8)
    looping.page.get_by_role("button", name="Stop").first.click()


def test_one_can_see_what_each_step_makes_of_the_next_token(talk: Talk) -> None:
    panel(talk)
    choose(talk, "Neutral")
    talk.ask("Say <|im_end|> please")
    # Where everything is neutral, nothing is folded away.
    number(talk, "temperature").fill("0.5")
    number(talk, "top_k").fill("2")
    talk.act(talk.answer, "What the model was sent")
    talk.page.get_by_role("button", name="The next token").click()
    steps = talk.page.get_by_role("dialog").locator(".step")
    expect(steps.locator("h4")).to_have_text(["model", "top_k", "temperature"])
    # The echo engine says back what it was told, and what was typed is no control token here either.
    expect(steps.first.locator("ol li").first).to_contain_text("S")
    expect(steps.nth(1).locator("ol li")).to_have_count(2)
    expect(steps.nth(1).get_by_role("list", name="Cut by this step").locator("li")).to_have_count(8)
