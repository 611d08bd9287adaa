"""Models by name: who waits for whom, who leaves, and what is said about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from samovar.core.errors import Cancelled, NotEnoughMemory
from samovar.services.fleet import Fleet

from .harbour import STAY, AtOnce, Sea, calm

SIZES = {"a": 40, "b": 40, "c": 40, "huge": 150}


@pytest.fixture
async def sea() -> Sea:
    asyncio.get_running_loop().set_default_executor(AtOnce())
    return Sea(SIZES, budget_=100)


@asynccontextmanager
async def asking(sea: Sea, fleet: Fleet, name: str, keep: float | None = None) -> AsyncIterator[None]:
    async with fleet.serving(sea.model(name), keep=keep):
        yield


async def use(sea: Sea, fleet: Fleet, *names: str, keep: float | None = None) -> None:
    for name in names:
        async with asking(sea, fleet, name, keep):
            pass
        await calm()


def loaded(fleet: Fleet) -> set[str]:
    return {model.name for model in fleet.loaded()}


async def test_what_fits_stays_beside_what_is_there(sea: Sea) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a", "b", "a", "b")
    assert sea.loads == ["a", "b"]
    assert [(model.name, model.memory) for model in fleet.loaded()] == [("b", 40), ("a", 40)]


async def test_the_one_that_was_used_longest_ago_makes_room(sea: Sea) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a", "b", "a", "c")
    assert loaded(fleet) == {"a", "c"}


async def test_there_are_no_more_models_than_were_allowed() -> None:
    asyncio.get_running_loop().set_default_executor(AtOnce())
    small = Sea({"a": 1, "b": 1, "c": 1}, budget_=100, most=2)
    fleet = small.fleet()
    await use(small, fleet, "a", "b", "c")
    assert loaded(fleet) == {"b", "c"}


async def test_who_makes_room_is_counted_and_who_leaves_for_another_reason_is_not(sea: Sea) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a", "b", "c", "a")
    await fleet.leave("c")
    await use(sea, fleet, "b")
    await sea.advance(STAY)
    assert loaded(fleet) == set()
    assert {name: tally.evicted for name, tally in sea.tallies.items() if tally.evicted} == {"a": 1, "b": 1}


async def test_one_that_answers_is_waited_for(sea: Sea) -> None:
    fleet = sea.fleet()
    async with asking(sea, fleet, "a"), asking(sea, fleet, "b"):
        waiting = asyncio.create_task(use(sea, fleet, "c"))
        await calm()
        assert sea.loads == ["a", "b"] and not waiting.done()
        assert sea.states["c"].state == "loading"
    await waiting
    assert sea.loads == ["a", "b", "c"]


async def test_who_comes_later_for_the_model_that_has_to_leave_waits_behind(sea: Sea) -> None:
    fleet = sea.fleet()
    order: list[str] = []

    async def ask(name: str) -> None:
        async with asking(sea, fleet, name):
            order.append(name)

    async with AsyncExitStack() as used_first, asking(sea, fleet, "a"):
        await used_first.enter_async_context(asking(sea, fleet, "b"))
        async with asking(sea, fleet, "a"):
            first = asyncio.create_task(ask("c"))
            await calm()
            later = [asyncio.create_task(ask("b")) for _ in range(2)]
            await calm()
            assert order == []
            await used_first.aclose()
            await asyncio.gather(first, *later)
    assert order == ["c", "b", "b"]


async def test_a_model_that_can_never_fit_is_refused_at_once_and_nobody_leaves_for_it(sea: Sea) -> None:
    fleet = sea.fleet()
    async with asking(sea, fleet, "a"), asking(sea, fleet, "b"):
        queued = asyncio.create_task(use(sea, fleet, "c"))
        await calm()
        with pytest.raises(NotEnoughMemory):
            await use(sea, fleet, "huge")
        assert loaded(fleet) == {"a", "b"}
    await queued
    assert sea.states["huge"].state == "failed"


async def test_who_stops_waiting_for_room_makes_nobody_leave(sea: Sea) -> None:
    fleet = sea.fleet()
    async with asking(sea, fleet, "a"), asking(sea, fleet, "b"):
        waiting = asyncio.create_task(use(sea, fleet, "c"))
        await calm()
        waiting.cancel()
        await calm()
    await calm()
    assert loaded(fleet) == {"a", "b"}
    assert sea.states["c"].state == "none"
    await use(sea, fleet, "a", "b")
    assert sea.loads == ["a", "b"]


@pytest.mark.parametrize("steps", range(12))
async def test_a_load_goes_on_however_early_its_asker_leaves(sea: Sea, steps: int) -> None:
    fleet = sea.fleet()
    asker = asyncio.create_task(use(sea, fleet, "a"))
    while "a" not in sea.states:
        await asyncio.sleep(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    asker.cancel()
    await calm()
    assert loaded(fleet) == {"a"}


async def test_a_load_that_was_begun_goes_on_without_its_asker(sea: Sea) -> None:
    fleet = sea.fleet()
    sea.loading.clear()
    asker = asyncio.create_task(use(sea, fleet, "a"))
    await calm()
    asker.cancel()
    await calm()
    sea.loading.set()
    await calm()
    assert loaded(fleet) == {"a"}
    assert fleet.loaded()[0].expires is not None


@pytest.mark.parametrize(("keep", "stay"), [(None, STAY), (10.0, 10.0), (0.0, 0.0)])
async def test_it_stays_as_long_as_its_last_request_said(sea: Sea, keep: float | None, stay: float) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a", keep=-1.0)
    await use(sea, fleet, "a", keep=keep)
    if stay:
        (model,) = fleet.loaded()
        assert model.expires == pytest.approx(sea.now + stay, abs=1)
        await sea.advance(stay - 1)
        assert loaded(fleet) == {"a"}
    await sea.advance(1)
    assert loaded(fleet) == set()
    assert sea.states["a"].state == "none"


async def test_one_that_is_kept_for_ever_leaves_only_to_make_room(sea: Sea) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a", "b", keep=-1.0)
    await sea.advance(1e6)
    assert [model.expires for model in fleet.loaded()] == [None, None]
    await use(sea, fleet, "c")
    assert loaded(fleet) == {"b", "c"}


async def test_time_counts_from_the_end_of_the_last_answer(sea: Sea) -> None:
    fleet = sea.fleet()
    async with asking(sea, fleet, "a", keep=10.0):
        await sea.advance(100.0)
    await sea.advance(9.0)
    async with asking(sea, fleet, "a", keep=10.0):
        await sea.advance(9.0)
    await sea.advance(9.0)
    assert loaded(fleet) == {"a"}


async def test_unloading_tells_who_waits(sea: Sea) -> None:
    fleet = sea.fleet()
    async with asking(sea, fleet, "a"), asking(sea, fleet, "b"):
        waiting = asyncio.create_task(use(sea, fleet, "c"))
        await calm()
        await fleet.leave("c")
        with pytest.raises(Cancelled):
            await waiting
    assert loaded(fleet) == {"a", "b"}


async def test_a_crash_brings_the_model_back_for_the_next_request(sea: Sea) -> None:
    fleet = sea.fleet()
    await use(sea, fleet, "a")
    sea.crews[0].running = None
    await use(sea, fleet, "a")
    assert sea.loads == ["a", "a"] and loaded(fleet) == {"a"}
