"""The list of conversations: new, rename, delete and undo, search; and what is typed is never lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Talk

pytestmark = pytest.mark.browser


def test_a_conversation_can_be_renamed_from_the_list_and_from_its_head(talk: Talk) -> None:
    talk.ask("How is tea made?")
    entry = talk.open_entry
    entry.hover()
    entry.get_by_role("button", name="Rename").click()
    talk.page.get_by_label("Title", exact=True).fill("About tea")
    talk.page.keyboard.press("Enter")
    expect(entry).to_contain_text("About tea")
    head = talk.page.get_by_role("heading", name="About tea")
    head.get_by_role("button").click()
    talk.page.get_by_label("Title", exact=True).fill("About samovars")
    talk.page.keyboard.press("Enter")
    expect(entry).to_contain_text("About samovars")


def test_a_new_conversation_is_listed_before_the_server_tells_of_it(talk: Talk) -> None:
    """So that no entry moves later under the hand that reaches for it."""
    talk.ask("One that is there before")
    talk.page.keyboard.press("Control+Shift+O")
    talk.page.route("**/samovar/conversations", lambda route: route.request.method == "GET" or route.continue_())
    talk.say("One that is new")
    expect(talk.open_entry).to_have_text("New conversation")
    expect(talk.list.first).to_have_text("New conversation")


def test_a_deleted_conversation_comes_back_with_undo(talk: Talk) -> None:
    talk.ask("A question to be deleted")
    address = talk.page.url
    entry = talk.list.filter(has_text="A question to be deleted")
    entry.hover()
    entry.get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    expect(talk.messages).to_have_count(0)
    talk.page.get_by_role("button", name="Undo").click()
    expect(entry).to_have_count(1)
    expect(talk.page).to_have_url(address)
    expect(talk.messages).to_have_count(2)


def test_search_finds_titles_and_messages(talk: Talk) -> None:
    talk.ask("Where do penguins winter?")
    talk.page.keyboard.press("Control+Shift+O")
    talk.ask("Who invented the umbrella?")
    talk.composer.blur()
    talk.page.keyboard.press("/")
    talk.page.keyboard.type("penguins")
    expect(talk.list).to_have_count(1)
    expect(talk.list).to_contain_text("penguins")
    talk.page.keyboard.type(" qqq")
    expect(talk.page.get_by_role("navigation")).to_contain_text("Nothing found")
    talk.page.keyboard.press("Escape")
    expect(talk.list.filter(has_text="umbrella")).to_have_count(1)


def test_what_was_typed_survives_leaving_and_reloading(talk: Talk) -> None:
    talk.ask("How is tea made?")
    talk.composer.fill("half a thought")
    talk.page.keyboard.press("Control+Shift+O")
    expect(talk.composer).to_have_value("")
    talk.page.go_back()
    expect(talk.composer).to_have_value("half a thought")
    talk.page.reload()
    expect(talk.composer).to_have_value("half a thought")


def test_an_address_that_leads_nowhere_says_so(talk: Talk) -> None:
    talk.open("/c/nothing-here")
    expect(talk.page.get_by_role("main")).to_contain_text("This conversation is not here")
    talk.page.get_by_role("main").get_by_role("button", name="New conversation").first.click()
    expect(talk.page).to_have_url(re.compile("/$"))


def test_a_starter_prompt_begins_a_conversation(talk: Talk) -> None:
    talk.page.get_by_role("button", name="Explain simply").click()
    talk.written()
    expect(talk.questions).to_contain_text("why the sky is blue")
