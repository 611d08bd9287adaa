"""Chats: answers are drawn as their conversation says, and loops are told."""

from __future__ import annotations

import math

from samovar.core.parameters import SamplingParams
from samovar.services.chats import Drawn, Looping
from samovar.store.values import Loop, Sampling

from .conftest import House

SORRY = "I am sorry, but I cannot help you with that request. "
STORY = """
The ferryman slept on the far bank while the lamps went out one after another, and nobody in the village could say
who had untied the boat. In the morning the nets were dry, the bread was gone from the shelf, and a stranger with
wet boots stood at the door of the inn and asked for tea, for a map of the hills, and for the way to the old mill
where the miller's daughter had once counted every winter on a notch of pine above the narrow window. The innkeeper
poured, said nothing, and looked long at the boots, because he had known them since his youth.
"""


async def test_answers_are_drawn_as_the_conversation_says(house: House) -> None:
    conversation = await house.new()
    _, speech = await house.ask(conversation, "Hi")
    assert speech.completion.sampling == SamplingParams()
    speech.end()
    kept = Sampling({"temp": 1.5, "logit_bias": {"7": False}, "long_gone": 1}, ("top_k", "temperature", "gone"))
    tab = await house.tab(conversation)
    head = await house.chats.set_sampling(conversation, kept)
    assert head.sampling == kept
    await tab.until(lambda tab: Drawn(kept) in tab.seen)
    _, speech = await house.ask(conversation, "Hi again")
    values = {"temperature": 1.5, "logit_bias": {7: -math.inf}}
    assert speech.completion.sampling == SamplingParams(values, ("top_k", "temperature"))


async def test_the_values_of_the_models_preset_stand_under_those_of_the_conversation(house: House) -> None:
    house.usual = SamplingParams({"temperature": 1.3, "min_p": 0.1}, ("min_p", "temperature"))
    conversation = await house.new()
    _, speech = await house.ask(conversation, "Hi")
    assert speech.completion.sampling == house.usual
    speech.end()
    await house.chats.set_sampling(conversation, Sampling({"temperature": 0.5}))
    _, speech = await house.ask(conversation, "Hi again")
    assert speech.completion.sampling == SamplingParams(
        {"temperature": 0.5, "min_p": 0.1}, ("min_p", "temperature")
    )


async def test_a_preset_that_was_chosen_for_the_conversation_says_everything(house: House) -> None:
    house.usual = SamplingParams({"min_p": 0.1})
    conversation = await house.new()
    await house.chats.set_sampling(conversation, Sampling({"temperature": 0.5}, preset="calm"))
    _, speech = await house.ask(conversation, "Hi")
    assert speech.completion.sampling == SamplingParams({"temperature": 0.5})


async def test_a_value_that_is_out_of_its_range_by_now_fails_the_answer_with_the_range(house: House) -> None:
    conversation = await house.new()
    await house.chats.set_sampling(conversation, Sampling({"top_p": 7}))
    tab = await house.tab(conversation)
    asked = await house.chats.send(conversation, None, "Hi")
    final = await tab.until_ended(asked.answer.id)
    assert final.state == "failed" and final.error is not None
    assert "top_p is 7" in final.error.text()


async def test_a_loop_is_told_once_and_kept_with_the_answer(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Help!")
    speech.say(*(word + " " for word in (SORRY * 12).split()))
    speech.end()
    final = await tab.until_ended(answer)
    told = [event for event in tab.seen if isinstance(event, Looping)]
    assert len(told) == 1
    assert (told[0].id, told[0].kind) == (answer, "cycle")
    assert 5 <= told[0].times <= 7 and told[0].text in SORRY * 2
    assert final.stats is not None
    assert final.stats.loop == Loop("cycle", told[0].times, told[0].text)


async def test_who_comes_later_is_told_of_a_loop_that_is_going_on(house: House) -> None:
    conversation = await house.new()
    first = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Help!")
    speech.say(SORRY * 12)
    await first.until(lambda tab: isinstance(tab.seen[-1], Looping))
    later = await house.tab(conversation)
    assert isinstance(await later.step(), Looping)
    speech.end()
    await first.until_ended(answer)


async def test_an_answer_like_the_one_before_is_an_echo(house: House) -> None:
    conversation = await house.new()
    before = await house.answered(conversation, "Tell me a story.", STORY)
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Another one!", before)
    speech.say("Well. ", *(word + " " for word in STORY.split()))
    speech.end()
    final = await tab.until_ended(answer)
    assert final.stats is not None and final.stats.loop is not None
    assert (final.stats.loop.kind, final.stats.loop.times) == ("echo", 2)


async def test_another_version_of_an_answer_is_not_compared_with_the_first(house: House) -> None:
    conversation = await house.new()
    before = await house.answered(conversation, "Tell me a story.", STORY)
    tab = await house.tab(conversation)
    again = await house.chats.regenerate(before)
    speech = await house.answers.speech()
    speech.say(STORY)
    speech.end()
    final = await tab.until_ended(again.id)
    assert final.stats is not None and final.stats.loop is None


async def test_an_answer_that_goes_on_is_watched_from_its_beginning(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Help!")
    speech.say(SORRY * 4)
    speech.end("length")
    await tab.until_ended(answer)
    await house.chats.resume(answer)
    speech = await house.answers.speech()
    speech.say(SORRY * 4)
    speech.end()
    await tab.until(lambda tab: isinstance(tab.seen[-1], Looping))
