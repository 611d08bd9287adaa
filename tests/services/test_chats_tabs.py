"""The law of deltas: whenever a tab joins and however slow it is, its text is the stored text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from samovar.services.chats import ChatEvent, ChatService, Whole
from samovar.services.chats.channels import MOST_WAITING, Channels, Signal
from samovar.store.database import Database

from .conftest import House
from .scripted import ScriptedAnswers, ScriptedIdle, Tab

ACTS = st.lists(
    st.one_of(
        st.text(alphabet="aбё🫖\u0301\n", min_size=1, max_size=4),
        st.just("JOIN"),
        st.integers(0, 7),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(acts=ACTS)
async def test_every_tab_ends_with_the_stored_text(acts: list[str | int]) -> None:
    """Acts: the model says a text, a tab joins, or tab number n begins to take one more event."""
    with TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "samovar.db")
        answers = ScriptedAnswers()
        chats = await ChatService.open(database, answers, ScriptedIdle())
        conversation = (await chats.create()).conversation.id
        asked = await chats.send(conversation, None, "Hi")
        speech = await answers.speech()
        tabs: list[Tab] = []
        steps: dict[int, asyncio.Task[ChatEvent]] = {}
        for act in acts:
            if act == "JOIN":
                tabs.append(Tab(chats.watch(conversation)))
                await tabs[-1].step()
            elif isinstance(act, str):
                speech.say(act)
                await asyncio.sleep(0)
            elif act < len(tabs) and (act not in steps or steps[act].done()):
                steps[act] = asyncio.create_task(tabs[act].step())
                await asyncio.sleep(0)
        speech.end()
        await asyncio.gather(*steps.values())
        said = "".join(act for act in acts if isinstance(act, str) and act != "JOIN")
        for tab in [*tabs, Tab(chats.watch(conversation))]:
            final = await tab.until_ended(asked.answer.id)
            assert tab.texts[final.id] == final.content == said
            await tab.close()
        assert (await chats.get(conversation)).messages[-1].content == said
        await chats.close()
        await database.close()


async def test_a_tab_that_fell_behind_gets_the_whole_and_nobody_waits_for_it(house: House) -> None:
    conversation = await house.new()
    slow, quick = await house.tab(conversation), await house.tab(conversation)
    answer, speech = await house.ask(conversation, "Hi")
    words = [f"{n} " for n in range(MOST_WAITING * 2)]
    for number, word in enumerate(words):
        speech.say(word)
        await quick.until_text(answer, "".join(words[: number + 1]))
    assert not any(isinstance(event, Whole) for event in quick.seen[1:])
    assert isinstance(await slow.step(), Whole)
    speech.say("end")
    speech.end()
    assert (await slow.until_ended(answer)).content == "".join(words) + "end"
    assert len(slow.seen) < MOST_WAITING + 10


async def test_a_subscription_ends_with_its_block_and_with_the_channel() -> None:
    channels: Channels[int] = Channels(bound=2)
    with channels.subscribe("a") as first, channels.subscribe("a") as second:
        assert [await first.take(), await second.take()] == [Signal.BEHIND, Signal.BEHIND]
        channels.publish("a", 1)
        channels.publish("b", 2)
        assert await first.take() == 1
        channels.publish("a", 3)
        channels.end()
        assert [await first.take(), await first.take()] == [3, Signal.ENDED]
        assert [await second.take(), await second.take(), await second.take()] == [1, 3, Signal.ENDED]
    assert channels.topics == frozenset()
    with channels.subscribe("late") as late:
        assert await late.take() is Signal.ENDED


async def test_a_full_queue_is_dropped_for_the_whole() -> None:
    channels: Channels[int] = Channels(bound=2)
    with channels.subscribe("a") as watcher:
        await watcher.take()
        for number in range(3):
            channels.publish("a", number)
        assert await watcher.take() is Signal.BEHIND
        channels.publish("a", 3)
        assert await watcher.take() == 3


async def test_closing_a_watch_frees_its_subscription(house: House) -> None:
    conversation = await house.new()
    tab = await house.tab(conversation)
    assert house.chats.watched == {conversation}
    await tab.close()
    assert house.chats.watched == frozenset()
