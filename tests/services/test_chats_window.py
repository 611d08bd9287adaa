"""Chats that outgrow the window, and prompts that are read ahead. A word is a token, and its role is one."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from samovar.core.errors import EngineFailed, NotFound
from samovar.core.requests import Completion, Message
from samovar.services.chats import InWindow, Slid
from samovar.store.conversations import Conversations

from .conftest import House

WINDOW = 101
"""One token is every prompt's, 25 are left for the answer: 75 for the chat."""

WORDS = "word " * 9
"""With its role ten tokens."""


async def talk(house: House, conversation: str, turns: int, parent: str | None = None) -> list[str]:
    """So many turns of twenty tokens one after the other; the ids of the answers."""
    answers = []
    for number in range(turns):
        parent = await house.answered(conversation, f"{WORDS}{number}", WORDS, parent)
        answers.append(parent)
    return answers


async def asked(house: House, conversation: str, content: str, parent: str | None = None) -> tuple[Message, ...]:
    """What the model is sent."""
    _, speech = await house.ask(conversation, content, parent)
    speech.end()
    return speech.completion.messages


@pytest.fixture
def small(house: House) -> House:
    house.answers.window = WINDOW
    house.idle.window = WINDOW
    return house


async def test_whole_turns_leave_and_the_system_message_stays(small: House) -> None:
    conversation = await small.new(system="Be brief.")
    (root,) = (await small.chats.get(conversation)).messages
    *_, last = await talk(small, conversation, 4, root.id)
    sent = await asked(small, conversation, "And now?", last)
    assert sent[0] == Message("system", "Be brief.")
    assert [message.content for message in sent[1:]] == [f"{WORDS}2", WORDS, f"{WORDS}3", WORDS, "And now?"]


async def test_between_two_slides_each_prompt_continues_the_one_before(small: House) -> None:
    conversation, parent = await small.new(), None
    prompts: list[tuple[Message, ...]] = []
    for number in range(20):
        tab = await small.tab(conversation)
        answer, speech = await small.ask(conversation, f"{number}", parent)
        prompts.append(speech.completion.messages)
        speech.say(WORDS)
        speech.end()
        parent = (await tab.until_ended(answer)).id
    slides = [at for at in range(1, 20) if prompts[at][: len(prompts[at - 1])] != prompts[at - 1]]
    assert 3 <= len(slides) <= 6
    assert all(later - earlier > 1 for earlier, later in pairwise(slides))


async def test_the_prompt_that_is_shown_is_the_one_that_was_sent(small: House) -> None:
    conversation = await small.new()
    *_, last = await talk(small, conversation, 5)
    answer, speech = await small.ask(conversation, "And now?", last)
    speech.end()
    shown = await small.chats.prompt(answer)
    assert [part.text for part in shown.parts[:-1]] == [
        f"<{m.role}>{m.content}" for m in speech.completion.messages
    ]


async def test_an_unfinished_answer_counts_when_it_goes_on(small: House) -> None:
    conversation = await small.new()
    _, second = await talk(small, conversation, 2)
    long = await small.answered(conversation, "A story!", "word " * 50, second)
    await small.chats.resume(long)
    speech = await small.answers.speech()
    assert [message.content for message in speech.completion.messages] == ["A story!", "word " * 50]


async def test_what_can_never_fit_is_refused_with_the_numbers(small: House) -> None:
    conversation = await small.new(system="word " * 60)
    (root,) = (await small.chats.get(conversation)).messages
    tab = await small.tab(conversation)
    asked = await small.chats.send(conversation, root.id, "word " * 38)
    final = await tab.until_ended(asked.answer.id)
    assert final.state == "failed" and final.error is not None
    assert final.error.kind == "PromptTooLong"
    assert final.error.facts == {"system": 61, "turn": 39, "window": WINDOW}
    assert await small.chats.window(conversation) is None


async def test_a_last_turn_that_leaves_little_room_for_the_answer_is_still_sent(small: House) -> None:
    conversation = await small.new(system="word " * 60)
    (root,) = (await small.chats.get(conversation)).messages
    assert len(await asked(small, conversation, "word " * 37, root.id)) == 2


async def test_tabs_are_told_which_messages_the_model_sees(small: House) -> None:
    conversation = await small.new(system="Be brief.")
    (root,) = (await small.chats.get(conversation)).messages
    tab = await small.tab(conversation)
    answers = await talk(small, conversation, 4, root.id)
    messages = {m.id: m for m in (await small.chats.get(conversation)).messages}
    await tab.until(lambda tab: tab.window == InWindow(messages[answers[2]].parent, 4))
    later = await small.tab(conversation)
    assert later.window == tab.window == await small.chats.window(conversation)


async def test_the_line_moves_back_where_a_shorter_path_is_shown(small: House) -> None:
    conversation = await small.new()
    first, *_ = await talk(small, conversation, 5)
    tab = await small.tab(conversation)
    await tab.until(lambda tab: tab.window is not None and tab.window.dropped > 0)
    question = (await Conversations(small.database).message(first)).parent
    assert question is not None
    forked = await small.chats.fork(question, "Something else")
    (await small.answers.speech()).end()
    await tab.until_ended(forked.answer.id)
    await tab.until(lambda tab: tab.window == InWindow())


async def test_without_a_model_nobody_knows_what_it_sees(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    await house.answered(conversation, "Hi", "Hello")
    assert await house.chats.window(conversation) is None
    assert tab.window is None
    house.idle.load(WINDOW)
    await tab.until(lambda tab: tab.window == InWindow())
    assert Slid(InWindow()) in tab.seen


async def test_opening_a_conversation_reads_it_ahead(small: House) -> None:
    conversation = await small.new(system="Be brief.")
    await small.tab(conversation)
    ahead = await small.idle.warming()
    assert ahead.completion == Completion(
        messages=(Message("system", "Be brief."), Message("user", "")), session=conversation, warm=True
    )


async def test_loading_a_model_reads_the_open_conversation_ahead(house: House) -> None:
    conversation = await house.new(system="Be brief.")
    await house.tab(conversation)
    house.idle.load(WINDOW)
    assert (await house.idle.warming()).completion.session == conversation


async def test_a_draft_is_read_ahead_as_it_would_be_sent_in_place_of_the_one_before(small: House) -> None:
    conversation = await small.new()
    *_, last = await talk(small, conversation, 4)
    await small.chats.draft(conversation, last, "And n")
    while (first := await small.idle.warming()).completion.messages[-1].content != "And n":
        pass
    await small.chats.draft(conversation, last, "And now?")
    second = await small.idle.warming()
    assert first.cancelled and not second.cancelled
    sent = await asked(small, conversation, "And now?", last)
    assert sent == second.completion.messages
    assert len(sent) < 9


async def test_the_first_question_of_a_new_conversation_is_read_ahead_and_nothing_of_it_is_stored(
    small: House,
) -> None:
    small.chats.draft_first("Be brief.", "How is t")
    first = await small.idle.warming()
    small.chats.draft_first("Be brief.", "How is tea made?")
    second = await small.idle.warming()
    assert first.cancelled and not second.cancelled
    assert second.completion == Completion(
        messages=(Message("system", "Be brief."), Message("user", "How is tea made?")), warm=True
    )
    assert await small.chats.list() == ()


async def test_what_was_typed_before_a_model_was_there_is_read_when_it_is(house: House) -> None:
    house.chats.draft_first("", "How is tea made?")
    house.idle.load(WINDOW)
    assert (await house.idle.warming()).completion.messages == (Message("user", "How is tea made?"),)


@pytest.mark.parametrize("sent", [True, False])
async def test_a_first_question_that_is_sent_or_taken_back_is_not_read_on(small: House, sent: bool) -> None:
    small.chats.draft_first("", "How is tea made?")
    ahead = await small.idle.warming()
    if sent:
        await small.new()
    else:
        small.chats.draft_first("", "")
    while not ahead.cancelled:
        await asyncio.sleep(0)
    small.idle.load(WINDOW)
    conversation = await small.new()
    await small.tab(conversation)
    assert (await small.idle.warming()).completion.session == conversation


async def test_a_conversation_that_is_deleted_is_read_no_further_before_its_caches_go(small: House) -> None:
    conversation = await small.new()
    await small.tab(conversation)
    ahead = await small.idle.warming()
    forget = small.idle.forget

    async def watched(session: str) -> None:
        assert ahead.cancelled
        await forget(session)

    small.idle.forget = watched  # type: ignore[method-assign]
    await small.chats.delete(conversation)
    assert small.idle.forgotten == [conversation]


async def test_a_question_ends_the_reading_ahead_until_it_is_answered(small: House) -> None:
    conversation = await small.new()
    tab = await small.tab(conversation)
    ahead = await small.idle.warming()
    answer, speech = await small.ask(conversation, "Hi")
    await small.chats.draft(conversation, answer, "typed meanwhile")
    speech.say("Hello")
    await tab.until_text(answer, "Hello")
    assert ahead.cancelled
    assert small.idle.warmed == [ahead]
    speech.end()
    await tab.until_ended(answer)
    assert [m.content for m in (await small.idle.warming()).completion.messages] == ["Hi", "Hello", ""]


async def test_nothing_is_read_ahead_where_no_model_is_loaded(house: House) -> None:
    conversation = await house.new()
    await house.chats.draft(conversation, None, "Hi")
    await house.tab(conversation)
    _, speech = await house.ask(conversation, "Hi")
    assert house.idle.warmed == []
    assert not speech.completion.warm


async def test_a_draft_belongs_to_its_conversation(small: House) -> None:
    conversation, other = await small.new(), await small.new()
    answer = await small.answered(other, "Hi", "Hello")
    with pytest.raises(NotFound):
        await small.chats.draft(conversation, answer, "And?")
    with pytest.raises(NotFound):
        await small.chats.draft("no-such", None, "And?")


async def test_a_prompt_that_cannot_be_read_ahead_hurts_nobody(small: House) -> None:
    conversation = await small.new()
    await small.tab(conversation)
    ahead = await small.idle.warming()
    ahead.fail(EngineFailed("chats.broken_off"))
    assert await small.answered(conversation, "Hi", "Hello")


async def test_what_is_looked_at_is_pinned(house: House) -> None:
    one, other = await house.new(), await house.new()
    first, second = await house.tab(one), await house.tab(one)
    third = await house.tab(other)
    assert house.idle.pins == [(one,), tuple(sorted((one, other)))]
    await first.close()
    await third.close()
    await second.close()
    assert house.idle.pins[2:] == [(one,), ()]


async def test_a_conversation_that_nobody_looks_at_is_not_read_on(small: House) -> None:
    conversation = await small.new()
    tab = await small.tab(conversation)
    ahead = await small.idle.warming()
    await tab.close()
    while not ahead.cancelled:
        await asyncio.sleep(0)
    assert await small.answered(conversation, "Hi", "Hello")
