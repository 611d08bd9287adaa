"""Chats: what a model thinks before it answers is told apart, kept with the answer, and never lost."""

from __future__ import annotations

from samovar.core.requests import Message
from samovar.services.chats import Looping, Mused
from samovar.store.conversations import Conversations
from samovar.store.values import StoredMessage

from .conftest import House


async def kept(house: House, answer: str) -> StoredMessage:
    return await Conversations(house.database).message(answer)


async def test_thoughts_are_told_and_kept_apart_from_the_answer(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("The user 🫖 ", "asks of tea.")
    speech.say("A drink.")
    speech.end()
    final = await tab.until_ended(answer)
    assert (final.thoughts, final.content) == ("The user 🫖 asks of tea.", "A drink.")
    told = [event for event in tab.seen if isinstance(event, Mused)]
    assert [(event.text, event.offset) for event in told] == [("The user 🫖 ", 0), ("asks of tea.", 11)]
    assert await kept(house, answer) == final


async def test_a_tab_that_comes_later_knows_the_thoughts_so_far(house: House) -> None:
    conversation = await house.new()
    first = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Hm, ")
    await first.until(lambda tab: tab.thoughts.get(answer) == "Hm, ")
    later = await house.tab(conversation)
    assert later.thoughts[answer] == "Hm, "
    speech.think("well.")
    speech.end()
    assert (await later.until_ended(answer)).thoughts == "Hm, well."


async def test_thoughts_are_saved_while_they_grow(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Hm, ")
    await tab.until(lambda tab: tab.thoughts.get(answer) == "Hm, ")
    await house.chats.close()
    ended = await kept(house, answer)
    assert (ended.state, ended.thoughts) == ("interrupted", "Hm, ")


async def test_the_next_prompt_has_them_for_the_template_to_decide_about(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Hm.")
    speech.say("A drink.")
    speech.end()
    await tab.until_ended(answer)
    _, speech = await house.ask(conversation, "Hot?", answer)
    assert speech.completion.messages == (
        Message("user", "What is tea?"),
        Message("assistant", "A drink.", reasoning="Hm."),
        Message("user", "Hot?"),
    )
    assert speech.completion.reads


async def test_an_answer_that_was_stopped_while_it_thought_goes_on_thinking(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Hm,")
    await tab.until(lambda tab: tab.thoughts.get(answer) == "Hm,")
    await house.chats.stop(conversation)
    assert (await tab.until_ended(answer)).state == "stopped"
    await house.chats.resume(answer)
    speech = await house.answers.speech()
    begun = (Message("user", "What is tea?"), Message("assistant", "", reasoning="Hm,"))
    assert (speech.completion.messages, speech.completion.continue_last) == (begun, True)
    speech.think(" well.")
    speech.say("A drink.")
    speech.end()
    await tab.until(lambda tab: tab.messages[answer].state == "streaming")
    final = await tab.until_ended(answer)
    assert (final.thoughts, final.content) == ("Hm, well.", "A drink.")
    # What it was sent is still what was there when it went on.
    assert (await Conversations(house.database).prompt(answer)).messages == begun


async def test_a_branch_takes_them_along(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Hm.")
    speech.say("A drink.")
    speech.end()
    await tab.until_ended(answer)
    tree = await house.chats.branch(answer)
    assert [message.thoughts for message in tree.messages] == ["", "Hm."]


async def test_thoughts_that_go_round_in_a_circle_are_told_of(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.think("Wait, let me think about what tea is once more. " * 12)
    speech.say("A drink.")
    speech.end()
    final = await tab.until_ended(answer)
    (told,) = [event for event in tab.seen if isinstance(event, Looping)]
    assert told.kind == "cycle"
    assert final.stats is not None and final.stats.loop is not None and final.stats.loop.kind == "cycle"


async def test_a_call_that_nobody_offered_is_part_of_the_answer(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "What is tea?")
    speech.call("browse", '{"q": "tea"}')
    speech.end("tool_calls")
    assert (await tab.until_ended(answer)).content == 'browse {"q": "tea"}'
