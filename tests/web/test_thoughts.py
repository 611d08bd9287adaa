"""What a model thinks before it answers: folded above the answer, there while it grows and after a reload."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.web.conftest import Talk, tab

pytestmark = pytest.mark.browser

THOUGHT = "The user asks of tea. **Hot** water matters most, " * 3
REPLY = f"<think>\n{THOUGHT}</think>\n\nPour *boiling* water."


@pytest.fixture(scope="module")
def thoughtful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Thinks before it answers, a character each 10 ms."""
    served = start(
        tmp_path_factory.mktemp("thoughtful"), "--model", f"echo:step_ms=10;reply={quote(REPLY, safe='')}"
    )
    yield served
    served.stop()


@pytest.fixture
def thinking(context: BrowserContext, thoughtful: Served) -> Iterator[Talk]:
    with tab(context, thoughtful) as talk:
        yield talk.open()


def fold(talk: Talk) -> Locator:
    return talk.answer.locator("summary")


def kept(talk: Talk) -> str:
    """What the server keeps of the last answer's thoughts."""
    conversation = talk.page.url.rpartition("/")[2]
    thoughts: str = talk.server.get(f"/samovar/conversations/{conversation}").json()["messages"][-1]["thoughts"]
    return thoughts


def test_thoughts_are_folded_above_the_answer_and_can_be_watched(thinking: Talk) -> None:
    thinking.say("How is tea made?")
    expect(fold(thinking)).to_contain_text("Thinking…")
    expect(fold(thinking)).to_contain_text("The user asks")
    expect(thinking.answer.locator(".thoughts")).to_have_count(0)
    fold(thinking).click()
    expect(thinking.answer.locator(".thoughts strong").first).to_have_text("Hot")
    thinking.written()
    expect(fold(thinking)).to_have_text("Thoughts")
    expect(thinking.answer.locator(".thoughts")).to_contain_text("matters most")
    expect(thinking.answer.locator(".answer > .markdown")).to_have_text("Pour boiling water.")


def test_they_are_there_after_a_reload_and_open_by_keyboard(thinking: Talk) -> None:
    thinking.ask("How is tea made?")
    thinking.page.reload()
    fold(thinking).focus()
    thinking.page.keyboard.press("Enter")
    expect(thinking.answer.locator(".thoughts")).to_contain_text("The user asks of tea.")
    thinking.page.keyboard.press("Space")
    expect(thinking.answer.locator(".thoughts")).to_have_count(0)


def test_only_the_answer_is_copied(thinking: Talk) -> None:
    thinking.ask("How is tea made?")
    thinking.act(thinking.answer, "Copy")
    expect(thinking.answer.get_by_role("button", name="Copied")).to_be_visible()
    assert thinking.page.evaluate("navigator.clipboard.readText()") == "Pour *boiling* water."


def test_an_answer_that_was_stopped_in_thought_goes_on_from_there(thinking: Talk) -> None:
    thinking.say("How is tea made?")
    expect(fold(thinking)).to_contain_text("The user")
    thinking.page.get_by_role("button", name="Stop").click()
    thinking.written()
    expect(thinking.answer).to_contain_text("Stopped.")
    before = kept(thinking)
    thinking.answer.locator(".notice").get_by_role("button", name="Continue").click()
    expect(thinking.answer).to_have_attribute("aria-busy", "true")
    thinking.written()
    after = kept(thinking)
    assert before and after.startswith(before) and len(after) > len(before)


def test_they_fit_a_small_screen_in_russian(browser: Browser, thoughtful: Served) -> None:
    size = ViewportSize(width=360, height=640)
    with browser.new_context(locale="ru-RU", viewport=size) as context, tab(context, thoughtful) as talk:
        talk.open()
        talk.say("Как заваривают чай?")
        expect(fold(talk)).to_contain_text("Размышляет…")
        assert talk.page.evaluate("document.documentElement.scrollWidth") == 360
        talk.written()
        expect(fold(talk)).to_have_text("Размышления")
