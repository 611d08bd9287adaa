"""Responses are kept for those that go on from them, each tenant's apart, and not for ever."""

from __future__ import annotations

import msgspec
import pytest

from samovar.store.database import Database
from samovar.store.responses import KEPT_SECONDS, MOST, SWEEP, KeptResponse, NoSuchResponse, ResponseStore

DAY = 24 * 3600.0


def said(id: str, previous: str | None = None, created: float = 0.0) -> KeptResponse:
    return KeptResponse(
        id=id,
        previous=previous,
        created=created,
        input=msgspec.Raw(msgspec.json.encode([{"content": f"чай {id}"}])),
        value=msgspec.Raw(b'{"id":"%s"}' % id.encode()),
    )


@pytest.fixture
def responses(database: Database) -> ResponseStore:
    return ResponseStore(database)


async def ids(responses: ResponseStore, id: str, tenant: str = "") -> list[str]:
    return [kept.id for kept in await responses.thread(tenant, id)]


async def test_a_response_comes_back_as_it_was_kept(responses: ResponseStore) -> None:
    await responses.keep("", said("a"))
    assert await responses.get("", "a") == said("a")


async def test_a_thread_is_all_that_a_response_goes_on_from(responses: ResponseStore) -> None:
    for id, previous in [("a", None), ("b", "a"), ("c", "b"), ("other", "a")]:
        await responses.keep("", said(id, previous))
    assert await ids(responses, "c") == ["a", "b", "c"]
    assert await ids(responses, "other") == ["a", "other"]


async def test_nobody_sees_or_removes_another_tenant_s(responses: ResponseStore) -> None:
    await responses.keep("ann", said("a"))
    for tenant in ("", "bob"):
        with pytest.raises(NoSuchResponse, match="“a”"):
            await responses.get(tenant, "a")
        with pytest.raises(NoSuchResponse):
            await responses.remove(tenant, "a")
    await responses.keep("bob", said("b", "a"))
    with pytest.raises(NoSuchResponse):
        await responses.thread("bob", "b")
    assert await ids(responses, "a", "ann") == ["a"]


async def test_what_went_on_from_a_deleted_response_is_there_but_leads_no_further(responses: ResponseStore) -> None:
    await responses.keep("", said("a"))
    await responses.keep("", said("b", "a"))
    await responses.remove("", "a")
    assert (await responses.get("", "b")).previous == "a"
    with pytest.raises(NoSuchResponse, match="“a”"):
        await responses.thread("", "b")
    with pytest.raises(NoSuchResponse):
        await responses.remove("", "a")


async def test_a_thread_is_forgotten_a_month_after_its_newest_response(responses: ResponseStore) -> None:
    await responses.keep("", said("a", created=0))
    await responses.keep("", said("b", "a", created=10 * DAY))
    await responses.keep("", said("old", created=1 * DAY))
    await responses.forget(now=KEPT_SECONDS + 5 * DAY)
    assert await ids(responses, "b") == ["a", "b"]
    with pytest.raises(NoSuchResponse):
        await responses.get("", "old")


async def test_the_threads_used_longest_ago_go_first(database: Database) -> None:
    responses = ResponseStore(database, most=3)
    for moment, (id, previous) in enumerate([("a", None), ("x", None), ("b", "a"), ("c", "b"), ("y", None)]):
        await responses.keep("", said(id, previous, moment))
    await responses.keep("bob", said("bob's", created=0))
    await responses.forget(now=5)
    assert await ids(responses, "c") == ["a", "b", "c"]
    assert await ids(responses, "y") == ["y"]
    assert await ids(responses, "bob's", "bob") == ["bob's"]
    with pytest.raises(NoSuchResponse):
        await responses.get("", "x")


async def test_there_are_never_many_more_than_the_most(database: Database) -> None:
    responses = ResponseStore(database, most=10)
    for number in range(3 * SWEEP):
        await responses.keep("", said(str(number), created=number))
    kept = await database.read(lambda db: db.execute("SELECT count(*) FROM responses").fetchone()[0])
    assert 10 <= kept <= 10 + SWEEP < MOST
    assert await ids(responses, str(3 * SWEEP - 1)) == [str(3 * SWEEP - 1)]
