"""Asking and answering: what is shown, stopped, continued, answered again, edited and branched."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web.conftest import TEA, Talk, tab

pytestmark = pytest.mark.browser

LONG = "the quick brown fox jumps over the lazy dog and then goes home for a cup of tea " * 10


def test_an_answer_is_drawn_with_code_formulas_and_tables(talk: Talk) -> None:
    talk.ask(TEA)
    expect(talk.answer.locator("strong")).to_have_text("hot")
    expect(talk.answer.locator("td.right")).to_have_text("200")
    expect(talk.answer.locator(".katex").first).to_be_visible()
    expect(talk.answer.locator("pre .hljs-string")).to_have_text('"tea"')


def test_under_an_answer_stands_how_fast_it_came(talk: Talk) -> None:
    talk.ask("How is tea made?")
    expect(talk.answer.locator("footer")).to_contain_text(re.compile(r"[\d,.]+ tokens/s"))
    expect(talk.answer.locator("footer")).to_contain_text(re.compile(r"first token after [\d,.]+ s"))
    expect(talk.answer.locator("footer")).to_contain_text(re.compile(r"prompt \d+ tokens"))


def test_what_a_model_writes_cannot_act_on_the_page(talk: Talk) -> None:
    talk.ask(TEA)
    expect(talk.answer).to_contain_text("<img src=x onerror=")
    expect(talk.answer.locator("img")).to_have_count(0)
    expect(talk.answer.get_by_role("link", name="pixel")).to_have_attribute("rel", re.compile("noopener"))
    expect(talk.page).not_to_have_title("owned")


def test_code_is_copied_with_one_click(talk: Talk) -> None:
    talk.ask(TEA)
    talk.answer.get_by_role("button", name="Copy code").click()
    expect(talk.answer.get_by_role("button", name="Copied")).to_be_visible()
    assert talk.page.evaluate("() => navigator.clipboard.readText()") == 'print("tea")'


def test_a_conversation_gets_an_address_and_a_title(talk: Talk) -> None:
    talk.ask("How is tea made?")
    expect(talk.page).to_have_url(re.compile(r"/c/\w+$"))
    expect(talk.page).to_have_title(re.compile("How is tea made"))
    talk.page.reload()
    expect(talk.questions).to_have_text(re.compile("How is tea made"))
    expect(talk.answer.locator(".markdown")).to_have_text("How is tea made?")


def test_a_stopped_answer_keeps_its_text_and_can_go_on(slow: Talk) -> None:
    slow.say(LONG)
    expect(slow.answer.locator(".markdown")).to_contain_text("the quick")
    slow.page.get_by_role("button", name="Stop").click()
    expect(slow.answer).to_contain_text("Stopped.")
    stopped = slow.answer.locator(".markdown").inner_text()
    assert LONG.startswith(stopped)
    slow.answer.locator(".notice").get_by_role("button", name="Continue").click()
    expect(slow.answer).to_have_attribute("aria-busy", "true")
    slow.page.keyboard.press("Escape")
    expect(slow.answer).to_contain_text("Stopped.")
    assert slow.answer.locator(".markdown").inner_text().startswith(stopped)


def test_typing_goes_on_while_an_answer_is_written(slow: Talk) -> None:
    slow.say(LONG)
    slow.composer.press_sequentially("next question")
    slow.composer.press("Enter")
    expect(slow.composer).to_have_value("next question")
    slow.page.keyboard.press("Escape")
    expect(slow.answer).to_contain_text("Stopped.")
    expect(slow.composer).to_have_value("next question")


def test_an_answer_again_is_a_version_beside_the_first(talk: Talk) -> None:
    talk.ask("How is tea made?")
    talk.act(talk.answer, "Answer again")
    versions = talk.answer.locator(".versions")
    expect(versions).to_have_text(re.compile("2/2"))
    talk.written()
    talk.act(talk.answer, "Previous version")
    expect(versions).to_have_text(re.compile("1/2"))
    talk.page.reload()
    expect(versions).to_have_text(re.compile("1/2"))
    talk.composer.blur()
    talk.page.keyboard.press("ArrowRight")
    expect(versions).to_have_text(re.compile("2/2"))


def test_a_question_edited_and_sent_is_a_version_with_its_own_answer(talk: Talk) -> None:
    talk.ask("How is tea made?")
    talk.composer.press("ArrowUp")
    field = talk.page.get_by_label("Edit the message")
    expect(field).to_have_value("How is tea made?")
    field.fill("How is coffee made?")
    talk.page.get_by_role("button", name="Save and send").click()
    expect(talk.questions).to_contain_text("How is coffee made?")
    expect(talk.questions.locator(".versions")).to_have_text(re.compile("2/2"))
    talk.written()
    talk.act(talk.questions, "Previous version")
    expect(talk.questions).to_contain_text("How is tea made?")


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_any_message_can_be_edited_in_place(talk: Talk, role: str) -> None:
    talk.ask("How is tea made?")
    message = talk.page.locator(f"article.{role}")
    talk.act(message, "Edit")
    talk.page.get_by_label("Edit the message").fill("Written anew.")
    talk.page.get_by_role("button", name="Save", exact=True).click()
    expect(message).to_contain_text("Written anew.")
    talk.page.reload()
    expect(message).to_contain_text("Written anew.")
    expect(message.locator(".versions")).to_have_count(0)


def test_a_branch_is_a_new_conversation_with_the_path_so_far(talk: Talk) -> None:
    talk.ask("How is tea made?")
    talk.ask("And coffee?")
    first = talk.page.url
    talk.act(talk.page.locator("article.assistant").first, "Branch into a new conversation")
    expect(talk.page).not_to_have_url(first)
    expect(talk.messages).to_have_count(2)
    expect(talk.questions).to_contain_text("How is tea made?")


def test_one_can_see_exactly_what_the_model_was_sent(talk: Talk) -> None:
    talk.ask("Say <|im_end|> please")
    talk.act(talk.answer, "What the model was sent")
    dialog = talk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Say <|im_end|> please")
    expect(dialog).to_contain_text(re.compile(r"\d+ tokens"))
    # The template's own mark is a control token; the one that was typed is letters.
    expect(dialog.locator("mark", has_text="<|im_end|>")).not_to_have_count(0)
    expect(dialog.locator("pre span")).to_have_text("<|im_end|>")
    talk.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_second_tab_shows_the_same_conversation_live(slow: Talk, context: BrowserContext) -> None:
    slow.say(LONG)
    expect(slow.answer).to_have_attribute("aria-busy", "true")
    with tab(context, slow.server) as second:
        second.page.goto(slow.page.url)
        expect(second.answer).to_have_attribute("aria-busy", "true")
        expect(second.answer.locator(".markdown")).to_contain_text("quick")
        second.page.get_by_role("button", name="Stop").click()
        for one in (slow, second):
            expect(one.answer).to_contain_text("Stopped.")
        texts = [one.answer.locator(".markdown").inner_text() for one in (slow, second)]
        assert texts[0] == texts[1]
