"""Search: as a person types, in English and in Russian."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.store.conversations import Conversations

from .talk import answered, ended

TALKS = (
    ("Tea", "How do I boil water?", "Fill the samovar. Put a café-style kettle on top."),
    ("Чай", "Как растопить самовар?", "Насыпьте ещё щепок и разожгите. Ёлочные шишки тоже годятся."),
    ("Code", "What does foo_bar() do in C++?", 'It says "NEAR OR NOT" and naïve things.'),
)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("samovar", ["Tea"]),
        ("SAMO", ["Tea"]),
        ("water boil", ["Tea"]),
        ("water samovar", []),
        ("cafe", ["Tea"]),
        ("naive", ["Code"]),
        ("самовар", ["Чай"]),
        ("САМОВ", ["Чай"]),
        ("еще", ["Чай"]),
        ("ЕЩЁ", ["Чай"]),
        ("елочные", ["Чай"]),
        ("щепок шишк", ["Чай"]),
        ("чай", ["Чай"]),
        ("foo_bar()", ["Code"]),
        ("does c++", ["Code"]),
        ('"near', ["Code"]),
        ("NEAR OR NOT", ["Code"]),
        ("boil -water", ["Tea"]),
        ("content:water", []),
        ("?!", []),
        ("", ["Code", "Чай", "Tea"]),
        ("   ", ["Code", "Чай", "Tea"]),
    ],
)
async def test_words_are_found(store: Conversations, query: str, titles: list[str]) -> None:
    for title, question, answer in TALKS:
        tree = await store.create(title)
        await answered(store, tree.conversation.id, question, answer)
    assert [line.title for line in await store.list(query)] == titles


async def test_the_snippet_is_the_text_around_the_newest_hit_as_it_was_written(store: Conversations) -> None:
    tree = await store.create("Ёлка")
    first = await answered(
        store, tree.conversation.id, "Ёж и ёлка", "далеко " * 50 + "живёт ёж под ёлкой" + " лес" * 50
    )
    await answered(store, tree.conversation.id, "Другое", "Ничего", first.answer.id)
    (line,) = await store.list("елк")
    assert "живёт ёж под ёлкой" in line.snippet
    assert len(line.snippet) < 200


async def test_a_hit_in_the_title_alone_has_no_snippet(store: Conversations) -> None:
    await store.create("Samovar")
    assert [line.snippet for line in await store.list("samovar")] == [""]


async def test_the_index_follows_renames_edits_and_the_end_of_an_answer(store: Conversations) -> None:
    tree = await store.create("Old")
    asked = await store.ask(tree.conversation.id, None, "first", "")
    await store.write(asked.answer.id, "growing")
    assert await store.list("growing") == ()
    await ended(store, asked.answer, "grown")
    await store.edit(asked.message.id, "second")
    await store.rename(tree.conversation.id, "New")
    found = {query: len(await store.list(query)) for query in ("old", "new", "first", "second", "growing", "grown")}
    assert found == {"old": 0, "new": 1, "first": 0, "second": 1, "growing": 0, "grown": 1}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=30))
async def test_no_query_is_a_syntax_error(store: Conversations, query: str) -> None:
    assert isinstance(await store.list(query), tuple)
