"""Conversations: what each act does to the tree, and what it refuses."""

from __future__ import annotations

import sqlite3

import pytest

from samovar.core.errors import Conflict, ErrorValue, InvalidInput, NotFound
from samovar.core.requests import Message
from samovar.store.conversations import KEPT_SECONDS, Conversations
from samovar.store.database import Database
from samovar.store.ids import new_id
from samovar.store.values import Breach, Prompt, Stats
from samovar.store.verify import verify

from .talk import answered, ended


def test_ids_are_short_and_sort_by_time() -> None:
    ids = [new_id(1_700_000_000 + n) for n in range(100)]
    assert ids == sorted(ids)
    assert {len(i) for i in ids} == {16}
    assert len({new_id(0) for _ in range(1000)}) == 1000


async def test_a_question_and_its_answer(store: Conversations) -> None:
    tree = await store.create()
    asked = await store.ask(tree.conversation.id, None, "What is tea?", "What is tea?")
    assert (asked.message.state, asked.answer.state, asked.answer.content) == ("done", "streaming", "")
    assert (asked.message.parent, asked.answer.parent) == (None, asked.message.id)
    assert (asked.conversation.title, asked.conversation.current) == ("What is tea?", asked.answer.id)
    stats = Stats(10, 4, 3, 52.5, 120.0)
    final = await ended(store, asked.answer, "A drink.", model="tiny", stats=stats)
    assert (await store.get(tree.conversation.id)).messages == (asked.message, final)


async def test_a_failed_answer_keeps_its_text_and_its_error_as_data(store: Conversations) -> None:
    tree = await store.create()
    asked = await store.ask(tree.conversation.id, None, "Hi", "")
    error = ErrorValue("EngineFailed", "store.still_streaming", {"n": 1})
    await ended(store, asked.answer, "Hel", state="failed", error=error)
    kept = await store.message(asked.answer.id)
    assert (kept.content, kept.state, kept.error) == ("Hel", "failed", error)


async def test_a_given_title_is_not_replaced_by_the_first_question(store: Conversations) -> None:
    tree = await store.create("My chat")
    assert (await store.ask(tree.conversation.id, None, "Hi", "Hi")).conversation.title == "My chat"


async def test_a_system_message_is_the_root(store: Conversations) -> None:
    tree = await store.create(system="Be brief.")
    (root,) = tree.messages
    assert (root.role, root.content, root.parent, tree.conversation.current) == (
        "system",
        "Be brief.",
        None,
        root.id,
    )


async def test_any_text_comes_back_as_it_was(store: Conversations) -> None:
    tree = await store.create()
    text = "a\0b самовар 🫖\r\n' \" \ufeff \u2028 e\u0301"
    asked = await answered(store, tree.conversation.id, text, text)
    assert [m.content for m in (await store.get(tree.conversation.id)).messages] == [text, text]
    assert [line.id for line in await store.list("самов")] == [asked.conversation.id]


async def test_nothing_is_built_on_an_answer_that_streams(store: Conversations) -> None:
    tree = await store.create()
    asked = await store.ask(tree.conversation.id, None, "Hi", "")
    for act in (
        store.ask(tree.conversation.id, asked.answer.id, "And?", ""),
        store.answer(asked.answer.id),
        store.answer(asked.message.id),
        store.resume(asked.answer.id),
        store.edit(asked.answer.id, "Other"),
        store.branch(asked.answer.id),
    ):
        with pytest.raises(Conflict):
            await act
    elsewhere = await store.ask(tree.conversation.id, None, "Another start", "")
    assert elsewhere.answer.state == "streaming"


async def test_regenerating_adds_a_sibling_and_loses_nothing(store: Conversations) -> None:
    tree = await store.create()
    asked = await answered(store, tree.conversation.id, "Hi", "One")
    second = await store.answer(asked.answer.id)
    assert (second.parent, second.state) == (asked.message.id, "streaming")
    messages = (await store.get(tree.conversation.id)).messages
    assert [m.content for m in messages] == ["Hi", "One", ""]


async def test_showing_a_message_shows_the_newest_leaf_under_it(store: Conversations) -> None:
    tree = await store.create()
    first = await answered(store, tree.conversation.id, "Hi", "One")
    deeper = await answered(store, tree.conversation.id, "More", "Two", first.answer.id)
    second = await ended(store, await store.answer(first.answer.id), "Other")
    show = store.show
    assert (await show(tree.conversation.id, first.answer.id)).current == deeper.answer.id
    assert (await show(tree.conversation.id, second.id)).current == second.id
    assert (await show(tree.conversation.id, first.message.id)).current == second.id


async def test_only_a_finished_answer_without_followers_goes_on(store: Conversations) -> None:
    tree = await store.create()
    first = await answered(store, tree.conversation.id, "Hi", "One")
    resumed = await store.resume(first.answer.id)
    assert (resumed.content, resumed.state, resumed.given) == ("One", "streaming", 3)
    await ended(store, resumed, "One two")
    with pytest.raises(InvalidInput, match="user"):
        await store.resume(first.message.id)
    await answered(store, tree.conversation.id, "More", "Three", first.answer.id)
    with pytest.raises(Conflict, match="follow"):
        await store.resume(first.answer.id)


async def test_an_edited_answer_is_the_editors_own(store: Conversations) -> None:
    tree = await store.create()
    asked = await store.ask(tree.conversation.id, None, "Hi", "")
    await ended(store, asked.answer, "Hal", state="failed", error=ErrorValue("EngineFailed", "store.has_followers"))
    edited = await store.edit(asked.answer.id, "Hello")
    assert (edited.content, edited.state, edited.error) == ("Hello", "done", None)
    assert await store.message(asked.answer.id) == edited


async def test_the_prompt_of_an_answer_is_what_was_sent_whatever_was_edited_since(store: Conversations) -> None:
    tree = await store.create(system="Be brief.")
    first = await answered(store, tree.conversation.id, "Hi", "Hello", tree.messages[0].id)
    await store.edit(first.answer.id, "Good day")
    second = await answered(store, tree.conversation.id, "More", "Yes", first.answer.id)
    for number in range(3):
        await store.edit(first.answer.id, f"Changed {number}")
        await store.edit(tree.messages[0].id, f"Rule {number}")
    sent = (Message("system", "Be brief."), Message("user", "Hi"))
    assert await store.prompt(first.answer.id) == Prompt(sent)
    later = (*sent, Message("assistant", "Good day"), Message("user", "More"))
    assert await store.prompt(second.answer.id) == Prompt(later)
    copy = await store.branch(second.answer.id)
    assert await store.prompt(copy.messages[-1].id) == Prompt(later)
    assert (await store.prompt(second.message.id)).messages[0] == Message("system", "Rule 2")


async def test_the_prompt_of_a_continued_answer_ends_with_what_was_there(store: Conversations) -> None:
    tree = await store.create()
    asked = await answered(store, tree.conversation.id, "Count", "One")
    await ended(store, await store.resume(asked.answer.id), "One two")
    await store.edit(asked.answer.id, "Uno due")
    sent = (Message("user", "Count"), Message("assistant", "One"))
    assert await store.prompt(asked.answer.id) == Prompt(sent, unfinished=True)


async def test_a_branch_is_a_copy_of_the_path(store: Conversations) -> None:
    tree = await store.create("Tea", system="Be brief.")
    first = await answered(store, tree.conversation.id, "Hi", "One", tree.messages[0].id)
    await ended(store, await store.answer(first.answer.id), "Other")
    branch = await store.branch(first.answer.id)
    assert [m.content for m in branch.messages] == ["Be brief.", "Hi", "One"]
    assert branch.conversation.title == "Tea"
    assert branch.conversation.current == branch.messages[-1].id
    assert not {m.id for m in branch.messages} & {m.id for m in (await store.get(tree.conversation.id)).messages}


async def test_a_path_leads_from_the_root_to_a_message_or_to_what_is_shown(store: Conversations) -> None:
    id = (await store.create("Tea")).conversation.id
    assert await store.path(id) == ()
    first = await answered(store, id, "Hi", "Hello")
    second = await answered(store, id, "And?", "Yes", first.answer.id)
    shown = [m.content for m in await store.path(id)]
    assert shown == ["Hi", "Hello", "And?", "Yes"]
    assert [m.id for m in await store.path(id, first.answer.id)] == [first.message.id, first.answer.id]
    await store.edit(first.message.id, "Good day")
    assert (await store.path(id, second.message.id))[0].content == "Good day"


async def test_deleting_hides_and_restoring_brings_everything_back(store: Conversations) -> None:
    tree = await store.create("Tea")
    asked = await answered(store, tree.conversation.id, "Hi", "One")
    before = await store.get(tree.conversation.id)
    await store.delete(tree.conversation.id)
    assert await store.list() == () == await store.list("One")
    for act in (
        store.get(tree.conversation.id),
        store.message(asked.message.id),
        store.delete(tree.conversation.id),
        store.answer(asked.answer.id),
    ):
        with pytest.raises(NotFound):
            await act
    await store.restore(tree.conversation.id)
    assert await store.get(tree.conversation.id) == before
    assert len(await store.list("One")) == 1


async def test_what_was_deleted_is_kept_for_thirty_days(database: Database) -> None:
    now = 1_000_000.0
    store = Conversations(database, clock=lambda: now)
    tree = await store.create("Tea")
    asked = await answered(store, tree.conversation.id, "Самовар", "One")
    await store.edit(asked.message.id, "Чайник")
    await store.delete(tree.conversation.id)
    now += KEPT_SECONDS
    assert await store.purge() == 0
    now += 1
    assert await store.purge() == 1
    with pytest.raises(NotFound):
        await store.restore(tree.conversation.id)
    assert await verify(database) == ()
    for table in ("conversations", "messages", "revisions"):
        assert await database.read(lambda db, t=table: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]) == 0


async def test_messages_of_another_conversation_are_not_found(store: Conversations) -> None:
    one, two = await store.create(), await store.create()
    asked = await answered(store, one.conversation.id, "Hi", "One")
    for act in (
        store.ask(two.conversation.id, asked.answer.id, "Hi", ""),
        store.show(two.conversation.id, asked.answer.id),
        store.ask("nowhere", None, "Hi", ""),
        store.answer("nothing"),
    ):
        with pytest.raises(NotFound):
            await act


BROKEN = {
    "every message is reached from a root": "UPDATE messages SET parent = id WHERE content = 'Hi'",
    "current is a leaf": "UPDATE conversations SET current = (SELECT id FROM messages WHERE content = 'Hi')",
    "current is null only without messages": "UPDATE conversations SET current = NULL",
    "only answers have states, stats and thoughts": "UPDATE messages SET stats = '{}' WHERE role = 'user'",
    "a streaming message is a leaf": "UPDATE messages SET state = 'streaming' WHERE content = 'One'",
    "revisions are numbered within the conversation's edits": "UPDATE conversations SET edits = 0",
    "references lead somewhere": "UPDATE messages SET parent = 'nobody' WHERE content = 'Hi'",
    "the search index is sound": "DELETE FROM message_index_data WHERE id > 10",
}


@pytest.mark.parametrize("law", BROKEN)
async def test_verify_finds_a_broken_law(law: str, store: Conversations, database: Database) -> None:
    tree = await store.create()
    asked = await answered(store, tree.conversation.id, "Hi", "One")
    await answered(store, tree.conversation.id, "More", "Two", asked.answer.id)
    await store.edit(asked.answer.id, "One")
    assert await verify(database) == ()

    by_hand = sqlite3.connect(database.path)
    by_hand.execute(BROKEN[law])
    by_hand.commit()
    by_hand.close()
    assert law in {breach.law for breach in await verify(database)}
    assert all(isinstance(breach, Breach) and breach.row for breach in await verify(database))
