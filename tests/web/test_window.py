"""Conversations that outgrow the window, and drafts that are read before they are sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import Served, start
from tests.web.conftest import Talk, tab

ABOVE = """line => [...document.querySelectorAll("article")].filter(
    (message) => line.compareDocumentPosition(message) & Node.DOCUMENT_POSITION_PRECEDING).length"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def narrow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Says back what it is told, and sees no more than 400 characters."""
    served = start(tmp_path_factory.mktemp("narrow"), "--model", "echo", "--ctx", "400")
    yield served
    served.stop()


@pytest.fixture
def narrow(context: BrowserContext, narrow_server: Served) -> Iterator[Talk]:
    with tab(context, narrow_server) as talk:
        yield talk.open()


def test_a_line_shows_what_the_model_no_longer_sees(narrow: Talk, context: BrowserContext) -> None:
    line = narrow.page.get_by_role("note")
    narrow.ask("How is tea made, number 1?")
    expect(line).to_have_count(0)
    for number in range(2, 6):
        narrow.ask(f"How is tea made, number {number}?")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("The model no longer sees")
    with tab(context, narrow.server) as other:
        other.page.goto(narrow.page.url)
        expect(other.page.get_by_role("note")).to_have_text(line.inner_text())
    above = line.evaluate(ABOVE)
    expect(line).to_contain_text(f"{above} messages")
    narrow.act(narrow.answer, "What the model was sent")
    sent = narrow.page.get_by_role("dialog")
    expect(sent).to_contain_text("number 5?")
    expect(sent).not_to_contain_text("number 1?")


def test_the_line_goes_where_a_shorter_version_is_turned_to(narrow: Talk) -> None:
    for number in range(1, 6):
        narrow.ask(f"How is tea made, number {number}?")
    line = narrow.page.get_by_role("note")
    expect(line).to_have_count(1)
    narrow.act(narrow.questions.first, "Edit")
    narrow.page.get_by_label("Edit the message").fill("Coffee?")
    narrow.page.get_by_role("button", name="Save and send").click()
    narrow.written()
    expect(line).to_have_count(0)
    narrow.act(narrow.questions.first, "Previous version")
    expect(line).to_have_count(1)


def test_what_is_typed_goes_ahead_to_be_read_but_not_what_was_sent(talk: Talk) -> None:
    drafts: list[dict[str, str]] = []
    talk.ask("How is tea made?")
    talk.page.on(
        "request", lambda request: drafts.append(request.post_data_json) if "draft" in request.url else None
    )
    parent = talk.answer.get_attribute("data-id")
    with talk.page.expect_response("**/draft") as told:
        talk.composer.fill("And cof")
    assert told.value.ok
    with talk.page.expect_response("**/draft"):
        talk.composer.fill("And coffee?")
    talk.ask("And coffee, please?")
    with talk.page.expect_response("**/draft"):
        talk.composer.fill("More")
    newest = talk.answer.get_attribute("data-id")
    assert drafts[:2] == [{"parent": parent, "content": "And cof"}, {"parent": parent, "content": "And coffee?"}]
    assert drafts[-1] == {"parent": newest, "content": "More"}
    assert "" not in [draft["content"] for draft in drafts]


def test_the_first_question_goes_ahead_with_its_instruction_before_there_is_a_conversation(talk: Talk) -> None:
    with talk.page.expect_response("**/conversations/draft") as told:
        talk.composer.fill("How is tea made in a large and old samovar?")
    assert told.value.request.post_data_json == {
        "system": "",
        "content": "How is tea made in a large and old samovar?",
    }
    talk.page.get_by_role("button", name="Sampling").click()
    with talk.page.expect_response("**/conversations/draft") as told:
        talk.page.get_by_role("textbox", name="Instruction to the model").fill("Be brief, and kind.")
    assert told.value.ok
    assert told.value.request.post_data_json["system"] == "Be brief, and kind."
    before = talk.list.count()
    talk.composer.press("Enter")
    talk.written()
    expect(talk.list).to_have_count(before + 1)
