"""A conversation keeps what its answers are drawn with."""

from __future__ import annotations

import pytest

from samovar.core.errors import NotFound
from samovar.store.conversations import Conversations
from samovar.store.values import Loop, Sampling, Stats

from .talk import answered, ended

WILD = Sampling(
    {"temperature": 1.5, "logit_bias": {"7": False}, "dry_sequence_breakers": ["\n"]}, ("top_k",), "wild"
)


async def test_it_is_kept_replaced_and_taken_back(store: Conversations) -> None:
    id = (await store.create()).conversation.id
    assert (await store.get(id)).conversation.sampling is None
    for sampling in (WILD, Sampling(), None):
        assert (await store.set_sampling(id, sampling)).sampling == sampling
        assert (await store.get(id)).conversation.sampling == sampling


async def test_every_prompt_of_the_conversation_comes_with_it(store: Conversations) -> None:
    id = (await store.create()).conversation.id
    asked = await answered(store, id, "Hi", "Hello")
    assert (await store.prompt(asked.answer.id)).sampling is None
    await store.set_sampling(id, WILD)
    assert (await store.prompt(asked.answer.id)).sampling == WILD
    assert (await store.prompt(asked.message.id)).sampling == WILD


async def test_a_branch_has_it_too(store: Conversations) -> None:
    id = (await store.create("Tea")).conversation.id
    await store.set_sampling(id, WILD)
    asked = await answered(store, id, "Hi", "Hello")
    branch = (await store.branch(asked.answer.id)).conversation
    assert (branch.sampling, branch.title) == (WILD, "Tea")


async def test_there_must_be_a_conversation(store: Conversations) -> None:
    with pytest.raises(NotFound):
        await store.set_sampling("nowhere", WILD)


async def test_a_loop_is_kept_with_the_statistics(store: Conversations) -> None:
    id = (await store.create()).conversation.id
    asked = await store.ask(id, None, "Hi", "Hi")
    stats = Stats(1, 0, 90, loop=Loop("cycle", 6, "I am sorry."))
    await ended(store, asked.answer, "…", stats=stats)
    assert (await store.message(asked.answer.id)).stats == stats
