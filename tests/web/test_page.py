"""The page around the conversation: languages, themes, small screens, keys, the model and a server that dies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.web.conftest import Talk, tab

pytestmark = pytest.mark.browser


def test_the_page_speaks_the_language_of_the_browser_until_told_otherwise(browser: Browser, server: Served) -> None:
    with browser.new_context(locale="ru-RU") as context, tab(context, server) as talk:
        talk.open()
        expect(talk.page.get_by_role("heading", name="О чём поговорим?")).to_be_visible()
        expect(talk.page.locator("html")).to_have_attribute("lang", "ru")
        talk.page.get_by_label("English").check(force=True)
        expect(talk.page.get_by_role("heading", name="What shall we talk about?")).to_be_visible()
        talk.page.reload()
        expect(talk.page.locator("html")).to_have_attribute("lang", "en")


def test_the_server_speaks_the_language_of_the_page(context: BrowserContext, server: Served) -> None:
    with tab(context, server) as talk:
        talk.open()
        talk.page.get_by_label("Русский").check(force=True)
        talk.ask("How is tea made?")
        talk.act(talk.questions, "Изменить")
        talk.page.get_by_label("Правка сообщения").fill("x" * 40_000)
        talk.page.get_by_role("button", name="Сохранить и отправить").click()
        expect(talk.page.locator(".notice, .toast.error").first).to_contain_text(re.compile("[а-яё]{3}"))


def test_the_theme_is_the_systems_until_one_is_chosen(browser: Browser, server: Served) -> None:
    with browser.new_context(locale="en-US", color_scheme="dark") as context, tab(context, server) as talk:
        talk.open()
        ground = "() => getComputedStyle(document.body).backgroundColor"
        dark = talk.page.evaluate(ground)
        talk.page.get_by_label("Light").check(force=True)
        light = talk.page.evaluate(ground)
        assert dark != light
        talk.page.reload()
        assert talk.page.evaluate(ground) == light


def test_a_small_screen_has_everything(browser: Browser, server: Served) -> None:
    size = ViewportSize(width=360, height=640)
    with (
        browser.new_context(locale="en-US", viewport=size, has_touch=True, is_mobile=True) as context,
        tab(context, server) as talk,
    ):
        talk.open()
        talk.ask("How is tea made?")
        assert talk.page.evaluate("() => document.documentElement.scrollWidth") == 360
        expect(talk.answer.get_by_role("button", name="Answer again")).to_be_in_viewport()
        expect(talk.page.get_by_role("navigation")).to_be_hidden()
        talk.page.get_by_role("button", name="Show conversations").click()
        expect(talk.list.first).to_be_in_viewport()
        talk.page.get_by_role("link", name="New conversation").click()
        expect(talk.page.get_by_role("navigation")).to_be_hidden()
        expect(talk.page.get_by_role("heading", name="What shall we talk about?")).to_be_visible()


def test_the_keys_are_explained(talk: Talk) -> None:
    talk.composer.blur()
    talk.page.keyboard.press("?")
    expect(talk.page.get_by_role("dialog")).to_contain_text("Edit your last message")
    talk.page.keyboard.press("Escape")
    expect(talk.page.get_by_role("dialog")).to_have_count(0)


def test_the_model_can_be_unloaded_and_loaded(talk: Talk) -> None:
    talk.ask("How is tea made?")
    talk.page.get_by_role("button", name=re.compile("^echo: Ready")).click()
    panel = talk.page.get_by_role("dialog", name="Model")
    panel.get_by_role("button", name="Unload").click()
    expect(panel).to_contain_text("No model loaded")
    panel.get_by_role("button", name="Load", exact=True).click()
    expect(panel).to_contain_text("Ready")
    talk.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_the_reader_is_left_where_they_read(slow: Talk) -> None:
    slow.page.set_viewport_size({"width": 800, "height": 400})
    slow.say("a line of text\n" * 40)
    scroller = slow.page.locator(".scroller")
    expect(slow.answer.locator("br")).not_to_have_count(0)
    scroller.hover()
    slow.page.mouse.wheel(0, -300)
    expect(slow.page.get_by_role("button", name="To the end")).to_be_visible()
    top = scroller.evaluate("one => one.scrollTop")
    lines = slow.answer.locator("br").count()
    expect(slow.answer.locator("br").nth(lines + 3)).to_be_attached()
    assert scroller.evaluate("one => one.scrollTop") == top
    slow.page.get_by_role("button", name="To the end").click()
    expect(slow.page.get_by_role("button", name="To the end")).to_have_count(0)
    slow.page.keyboard.press("Escape")


def test_an_answer_outlives_the_server(context: BrowserContext, tmp_path: Path) -> None:
    first = start(tmp_path, "--model", "echo:step_ms=20")
    with tab(context, first) as talk:
        talk.open()
        story = "tell me a story that takes a while to tell "
        talk.say(story * 5)
        # At 20 ms a token a second copy of the story is more than a second of text after the first one's beginning.
        expect(talk.answer.locator(".markdown")).to_contain_text(story * 2)
        first.kill()
        light = talk.page.locator(".light.offline")
        expect(light).to_be_visible()
        second = start(tmp_path, "--model", "echo:step_ms=20", "--port", str(first.port))
        try:
            expect(light).to_have_count(0)
            expect(talk.answer.locator(".notice").get_by_role("button", name="Continue")).to_be_visible()
            expect(talk.answer.locator(".markdown")).to_contain_text("tell me a story")
        finally:
            second.stop()


def test_a_real_model_answers_on_the_page(context: BrowserContext, tmp_path: Path) -> None:
    served = start(tmp_path, "--ctx", "1024")
    try:
        with tab(context, served) as talk:
            talk.open()
            expect(talk.page.locator(".light.ready")).to_be_visible(timeout=60_000)
            talk.ask("Say hello in one short sentence.")
            expect(talk.answer.locator(".markdown")).to_contain_text(re.compile(r"\w{2}"))
            expect(talk.answer.locator("footer")).to_contain_text("tokens/s")
    finally:
        served.stop()
