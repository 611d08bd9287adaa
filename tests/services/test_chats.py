"""Chats: an answer belongs to the service, everybody sees it grow, and whatever ends it, its text is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from samovar.core.errors import (
    Conflict,
    EngineFailed,
    InvalidInput,
    NotFound,
    PromptTooLong,
    SamovarError,
    StorageFailed,
)
from samovar.core.requests import Completion, Message
from samovar.services.chats import Appended, Changed, ChatService, Reading, Shown, Titled, Whole
from samovar.services.chats.titles import title_of
from samovar.store.conversations import Conversations
from samovar.store.database import Database
from samovar.store.values import Stats
from samovar.store.verify import verify

from .conftest import House
from .scripted import DONE


async def test_an_answer_from_the_question_to_the_end(house: House) -> None:
    conversation = await house.new(system="Be brief.")
    tab = await house.tab(conversation)
    (root,) = tab.messages.values()
    answer, speech = await house.ask(conversation, "What is tea?\nTell me.", root.id)
    speech.read(12)
    speech.say("A ", "drink 🫖")
    house.time.now += 0.25
    speech.say(".")
    speech.end()
    final = await tab.until_ended(answer)

    assert speech.completion == Completion(
        messages=(Message("system", "Be brief."), Message("user", "What is tea?\nTell me.")),
        session=conversation,
        reads=True,
    )
    kinds = [type(event) for event in tab.seen]
    assert kinds == [Whole, Changed, Titled, Changed, Shown, Reading, Appended, Appended, Appended, Changed]
    assert tab.seen[5] == Reading(answer, 12, 20, 8)
    assert [event.offset for event in tab.seen if isinstance(event, Appended)] == [0, 2, 9]
    assert (tab.title, tab.current) == ("What is tea?", answer)
    assert (final.content, final.state, final.model) == ("A drink 🫖.", "done", "tiny")
    assert (await house.chats.get(conversation)).messages[-1] == final


async def test_the_statistics_of_an_answer(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    house.time.now += 0.25
    speech.say("Hello")
    await tab.until_text(answer, "Hello")
    house.time.now += 3
    speech.end()
    final = await tab.until_ended(answer)
    assert final.stats == Stats(20, 8, 5, first_token_ms=250.0, tokens_per_second=100.0)


async def test_an_answer_goes_on_when_every_tab_is_closed(house: House) -> None:
    conversation = await house.new()
    first = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech.say("One ")
    await first.until_text(answer, "One ")
    await first.close()
    speech.say("two ")
    later = await house.tab(conversation)
    speech.say("three")
    speech.end()
    assert (await later.until_ended(answer)).content == "One two three"


async def test_a_growing_text_is_saved_without_waiting_for_its_end(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    store = Conversations(house.database)
    for text in ("One", "One two", "One two three"):
        speech.say(text[len(tab.texts.get(answer, "")) :])
        await tab.until_text(answer, text)
        house.time.tick()
        while (await store.message(answer)).content != text:
            await asyncio.sleep(0)
    assert (await store.message(answer)).state == "streaming"


async def test_a_stopped_answer_keeps_its_text_and_frees_the_model(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech.say("Hel")
    await tab.until_text(answer, "Hel")
    await house.chats.stop(conversation)
    assert speech.cancelled
    kept = (await house.chats.get(conversation)).messages[-1]
    assert (kept.content, kept.state) == ("Hel", "stopped")
    assert await tab.until_ended(answer) == kept


async def test_an_answer_can_be_stopped_while_the_model_still_loads(house: House) -> None:
    house.answers.held = True
    conversation = await house.new()
    answer, _ = await house.ask(conversation, "Hi")
    await house.chats.stop(conversation)
    kept = (await house.chats.get(conversation)).messages[-1]
    assert (kept.id, kept.content, kept.state) == (answer, "", "stopped")


async def test_an_engine_that_dies_in_mid_answer_leaves_the_text_and_the_reason(house: House) -> None:
    conversation, other = await house.new(), await house.new()
    tab, tab_of_other = await house.tab(conversation), await house.tab(other)
    answer, speech = await house.ask(conversation, "Hi")
    untouched, its_speech = await house.ask(other, "Hi")
    speech.say("Hel")
    speech.fail(EngineFailed("chats.broken_off"))
    final = await tab.until_ended(answer)
    assert (final.content, final.state) == ("Hel", "failed")
    assert final.error == EngineFailed("chats.broken_off").value()
    assert (await Conversations(house.database).message(answer)) == final
    its_speech.say("Hello")
    its_speech.end()
    assert (await tab_of_other.until_ended(untouched)).state == "done"


@pytest.mark.parametrize("refusal", [PromptTooLong("chats.nothing_said"), NotFound("store.no_message", id="x")])
async def test_a_refused_request_fails_the_answer_and_keeps_the_question(
    house: House, refusal: SamovarError
) -> None:
    house.answers.refusal = refusal
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, _ = await house.ask(conversation, "Hi")
    final = await tab.until_ended(answer)
    assert (final.state, final.error) == ("failed", refusal.value())
    assert [m.content for m in (await house.chats.get(conversation)).messages] == ["Hi", ""]
    house.answers.refusal = None
    again = await house.chats.regenerate(answer)
    assert again.state == "streaming"


async def test_a_fault_of_our_own_ends_the_answer_too(house: House, caplog: pytest.LogCaptureFixture) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech.say("Hel")
    speech.crash(ZeroDivisionError("by mistake"))
    final = await tab.until_ended(answer)
    assert (final.content, final.state) == ("Hel", "failed")
    assert final.error is not None and final.error.key == "chats.unexpected"
    assert "ZeroDivisionError: by mistake" in caplog.text


async def test_a_stream_without_an_end_is_a_failure(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech._events.put_nowait(DONE)
    assert (await tab.until_ended(answer)).state == "failed"


async def test_answers_of_several_branches_are_written_at_once_but_one_at_a_place(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    first, speech = await house.ask(conversation, "Hi")
    for act in (
        house.chats.send(conversation, first, "And?"),
        house.chats.regenerate(first),
        house.chats.resume(first),
        house.chats.edit(first, "Other"),
        house.chats.branch(first),
    ):
        with pytest.raises(Conflict):
            await act
    second, its_speech = await house.ask(conversation, "Another beginning")
    speech.say("One")
    its_speech.say("Two")
    speech.end()
    its_speech.end()
    assert (await tab.until_ended(first)).content == "One"
    assert (await tab.until_ended(second)).content == "Two"


async def test_regenerating_writes_a_sibling(house: House) -> None:
    conversation = await house.new()
    first = await house.answered(conversation, "Hi", "One")
    tab = await house.tab(conversation)
    second = await house.chats.regenerate(first)
    speech = await house.answers.speech()
    assert speech.completion.messages == (Message("user", "Hi"),)
    speech.say("Two")
    speech.end()
    await tab.until_ended(second.id)
    assert second.parent == tab.messages[first].parent
    assert (tab.texts[first], tab.texts[second.id], tab.current) == ("One", "Two", second.id)


async def test_continuing_goes_on_with_the_same_message(house: House) -> None:
    conversation = await house.new()
    answer = await house.answered(conversation, "Count", "One")
    tab = await house.tab(conversation)
    resumed = await house.chats.resume(answer)
    assert (resumed.id, resumed.content, resumed.state) == (answer, "One", "streaming")
    speech = await house.answers.speech()
    assert speech.completion == Completion(
        messages=(Message("user", "Count"), Message("assistant", "One")),
        continue_last=True,
        session=conversation,
        reads=True,
    )
    speech.say(" two")
    speech.end()
    await tab.until_text(answer, "One two")
    assert Appended(answer, " two", 3) in tab.seen
    assert (await tab.until_ended(answer)).content == "One two"


async def test_forking_asks_differently_beside_the_question(house: House) -> None:
    conversation = await house.new()
    answer = await house.answered(conversation, "Hi", "One")
    question = (await house.chats.get(conversation)).messages[0]
    forked = await house.chats.fork(question.id, "Hello")
    assert (forked.message.parent, forked.message.content) == (question.parent, "Hello")
    assert [m.content for m in (await house.chats.get(conversation)).messages] == ["Hi", "One", "Hello", ""]
    with pytest.raises(InvalidInput, match="assistant"):
        await house.chats.fork(answer, "Hello")


async def test_editing_changes_the_text_in_place_for_every_tab(house: House) -> None:
    conversation = await house.new()
    answer = await house.answered(conversation, "Hi", "One")
    tab = await house.tab(conversation)
    edited = await house.chats.edit(answer, "Uno")
    await tab.until_text(answer, "Uno")
    assert (await house.chats.get(conversation)).messages[-1] == edited


async def test_the_prompt_shown_is_the_prompt_sent(house: House) -> None:
    conversation = await house.new()
    answer = await house.answered(conversation, "Hi", "One")
    question = (await house.chats.get(conversation)).messages[0]
    await house.chats.edit(question.id, "Something else")
    prompt = await house.chats.prompt(answer)
    assert [part.text for part in prompt.parts] == ["<user>Hi", "<assistant>"]


@pytest.mark.parametrize("content", ["", "  \n\t "])
async def test_an_empty_message_is_not_sent(house: House, content: str) -> None:
    conversation = await house.new()
    with pytest.raises(InvalidInput):
        await house.chats.send(conversation, None, content)
    assert (await house.chats.get(conversation)).messages == ()


async def test_deleting_stops_the_answer_and_restoring_shows_it(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech.say("Hel")
    await tab.until_text(answer, "Hel")
    await house.chats.delete(conversation)
    with pytest.raises(NotFound):
        await house.chats.get(conversation)
    await house.chats.restore(conversation)
    kept = (await house.chats.get(conversation)).messages[-1]
    assert (kept.content, kept.state) == ("Hel", "stopped")


async def test_closing_keeps_what_was_written_without_waiting_for_the_model(house: House) -> None:
    conversation, held = await house.new(), await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    speech.say("Hel")
    await tab.until_text(answer, "Hel")
    house.answers.held = True
    waiting, _ = await house.ask(held, "Hi")
    await house.chats.close()
    store = Conversations(house.database)
    kept = await store.message(answer)
    assert (kept.content, kept.state) == ("Hel", "interrupted")
    assert (await store.message(waiting)).state == "interrupted"
    assert (await tab.until_ended(answer)) == kept
    with pytest.raises(StopAsyncIteration):
        await tab.step()


async def test_an_answer_that_a_killed_server_was_writing_is_interrupted(house: House) -> None:
    store = Conversations(house.database)
    conversation = await house.new()
    asked = await store.ask(conversation, None, "Hi", "Hi")
    await store.write(asked.answer.id, "Hel")
    restarted = await ChatService.open(house.database, house.answers, house.idle)
    kept = (await house.chats.get(conversation)).messages[-1]
    assert (kept.content, kept.state) == ("Hel", "interrupted")
    await restarted.close()


async def room(database: Database, pages: int | None = None) -> None:
    """Lets the file grow to so many pages; to as many as it has for None."""
    await database.write(
        lambda db: db.execute(
            f"PRAGMA max_page_count = {pages or db.execute('PRAGMA page_count').fetchone()[0]}"
        ).fetchone()
    )


async def test_a_full_disk_ends_the_answer_and_its_text_is_saved_when_there_is_room(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    await room(house.database)
    text = "word " * 20_000
    speech.say(text)
    failed = await tab.until_ended(answer)
    assert (failed.content, failed.state) == (text, "failed")
    assert failed.error is not None and failed.error.key == "store.disk_full"
    assert speech.cancelled
    assert (await house.chats.get(conversation)).messages[-1] == failed
    with pytest.raises(StorageFailed):
        await house.chats.send(conversation, None, text)

    await room(house.database, 1_000_000)
    store = Conversations(house.database)
    while await store.message(answer) != failed:
        house.time.tick()
        await asyncio.sleep(0)
    assert await verify(house.database) == ()
    assert (await house.chats.regenerate(answer)).state == "streaming"


async def test_a_server_that_closes_on_a_full_disk_does_not_wait_for_room(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    await room(house.database)
    speech.say("word " * 20_000)
    await tab.until_ended(answer)
    closing = asyncio.create_task(house.chats.close())
    while not closing.done():
        house.time.tick()
        await asyncio.sleep(0)


async def test_the_list_tells_when_it_has_changed(house: House) -> None:
    changes = house.chats.watch_list()
    await anext(changes)
    conversation = await house.new()
    acts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: house.chats.rename(conversation, "Tea"),
        lambda: house.chats.delete(conversation),
        lambda: house.chats.restore(conversation),
        lambda: house.answered(conversation, "Hi", "One"),
    )
    for act in acts:
        await anext(changes)
        await act()
    await anext(changes)
    house.chats.end_watches()
    assert [None async for _ in changes] in ([], [None])


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("What is tea?", "What is tea?"),
        ("\n\n  What   is tea?  \nMore", "What is tea?"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("слово " * 20, "слово " * 9 + "слово…"),
        ("", ""),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_words_end(content: str, title: str) -> None:
    assert title_of(content) == title
    assert len(title_of(content)) <= 61
