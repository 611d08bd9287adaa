"""The page's API: what the model sees of a conversation, and drafts."""

from __future__ import annotations

import pytest

from .test_page import Page, Stream, page

__all__ = ["page"]

WINDOW = 41
"""Thirty tokens for a chat in which a word and a role are one each."""


async def talk(page: Page, conversation: str, turns: int) -> list[dict]:
    """Turns of ten tokens each; their answers."""
    answers: list[dict] = []
    for number in range(turns):
        parent = answers[-1]["id"] if answers else None
        answers.append(await page.answered(conversation, f"what is tea {number}", "it is a drink", parent))
    return answers


async def test_a_conversation_says_where_its_window_begins(page: Page) -> None:
    page.answers.window = page.idle.window = WINDOW
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    answers = await talk(page, conversation, 4)
    window = {"first": answers[2]["parent"], "dropped": 4}
    await stream.until("window", **window)
    assert (await page.call("GET", f"/conversations/{conversation}"))["window"] == window
    later = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    _, whole = await later.event()
    assert isinstance(whole, dict) and whole["window"] == window
    await stream.leave()
    await later.leave()


async def test_a_window_that_nothing_has_left_begins_nowhere(page: Page) -> None:
    page.idle.window = WINDOW
    conversation = await page.new()
    assert (await page.call("GET", f"/conversations/{conversation}"))["window"] == {"first": None, "dropped": 0}


async def test_without_a_model_the_window_is_not_known(page: Page) -> None:
    conversation = await page.new()
    assert (await page.call("GET", f"/conversations/{conversation}"))["window"] is None


async def test_a_draft_is_read_ahead(page: Page) -> None:
    page.idle.window = WINDOW
    conversation = await page.new()
    (answer,) = await talk(page, conversation, 1)
    body = {"parent": answer["id"], "content": "and coff"}
    assert await page.call("POST", f"/conversations/{conversation}/draft", body) == {}
    while (ahead := (await page.idle.warming()).completion).messages[-1].content != "and coff":
        pass
    assert [message.content for message in ahead.messages] == ["what is tea 0", "it is a drink", "and coff"]
    assert (ahead.session, ahead.warm) == (conversation, True)


async def test_a_first_question_is_read_ahead_before_there_is_a_conversation(page: Page) -> None:
    page.idle.load(4096)
    body = {"system": "Be brief.", "content": "How is tea"}
    assert await page.call("POST", "/conversations/draft", body) == {}
    ahead = await page.idle.warming()
    assert [m.content for m in ahead.completion.messages] == ["Be brief.", "How is tea"]
    assert await page.call("GET", "/conversations") == []
    await page.call("POST", "/conversations/draft", {"system": "Be brief."}, status=400)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("HERE", {"parent": None}, 400),
        ("HERE", {"parent": "nothing", "content": "Hi"}, 404),
        ("nothing", {"parent": None, "content": "Hi"}, 404),
    ],
)
async def test_a_draft_has_a_place_and_a_text(page: Page, path: str, body: object, status: int) -> None:
    path = path.replace("HERE", await page.new())
    assert (await page.call("POST", f"/conversations/{path}/draft", body, status=status))["error"]["message"]


async def test_what_can_never_fit_is_said_with_the_numbers(page: Page) -> None:
    page.answers.window = WINDOW
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events", "ru")
    await page.ask(conversation, "word " * 50)
    *_, (_, failed) = await stream.until("message", state="failed")
    assert isinstance(failed, dict)
    assert failed["error"].startswith("Последняя реплика занимает около 51 токенов, а окно вмещает 41 вместе")
    await stream.leave()
