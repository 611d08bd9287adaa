"""What a worker tells of itself: what it holds when it is asked, what it has done when a request ends."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import closing

import pytest

from samovar.core.engine import LoadSpec
from samovar.core.errors import EngineFailed, PromptTooLong
from samovar.core.events import Delta, Done, Looked
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.registry import open_engine
from samovar.runtime.counts import NO_COUNTS, SlotState
from samovar.runtime.frames import Generate
from samovar.runtime.kv import open_tiers
from samovar.runtime.loop import GenerationLoop, limits_of
from samovar.runtime.process import WorkerProcess
from samovar.runtime.shelf import TierShelf
from samovar.runtime.stream import Stream
from tests.runtime.conftest import OpenHouse, chat, told

GREEDY = SamplingParams({"temperature": 0.0}, seed=1)


async def ended(stream: Stream) -> Done:
    done = (await told(stream)).events[-1]
    assert isinstance(done, Done)
    return done


async def begun(stream: Stream) -> None:
    """Returns when something was said."""
    while not isinstance(await stream.next(), Delta):
        pass


async def slot_of(worker: WorkerProcess, id: int) -> SlotState:
    return (await worker.look(id)).slots[id]


async def test_the_end_of_a_request_tells_which_sequence_answered(
    open_house: OpenHouse,
) -> None:
    house = open_house()
    done = await ended(await house.ask("hello", sampling=GREEDY, tenant="me"))
    worker = await house.supervisor.worker()
    slot = await slot_of(worker, done.sequence)
    assert (slot.busy, slot.tenant, slot.window) == (False, "me", 256)
    assert (slot.asked, slot.drawn) == (done.usage.prompt_tokens, done.usage.completion_tokens)
    assert len(slot.tokens) == slot.asked + slot.drawn
    assert slot.held == len(slot.tokens)
    others = [other for other in (await worker.look(done.sequence)).slots if other.id != done.sequence]
    assert all(not other.tokens and not other.held for other in others)


async def test_what_is_under_way_is_seen(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5", parallel=1)
    first = await house.ask("x" * 150, sampling=GREEDY)
    second = await house.ask("y", sampling=GREEDY)
    worker = await house.supervisor.worker()
    await begun(first)
    state = await worker.look()
    assert (state.running, state.waiting) == (1, 1)
    assert state.slots[0].busy
    assert state.slots[0].drawn + state.slots[0].left == 256 - state.slots[0].asked
    assert 0 < state.used <= state.cells
    await first.cancel()
    await asyncio.gather(told(first), told(second))
    assert ((await worker.look()).running, (await worker.look()).waiting) == (0, 0)


async def test_erasing_empties_an_idle_sequence_of_its_own_tenant_only(open_house: OpenHouse) -> None:
    house = open_house()
    done = await ended(await house.ask("hello", sampling=GREEDY, tenant="me"))
    worker = await house.supervisor.worker()
    worker.erase(done.sequence, "somebody else")
    assert (await slot_of(worker, done.sequence)).held
    worker.erase(done.sequence, "me")
    slot = await slot_of(worker, done.sequence)
    assert (slot.held, slot.tokens) == (0, ())


async def test_a_busy_sequence_is_not_erased(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5", parallel=1)
    stream = await house.ask("x" * 100, sampling=GREEDY)
    await begun(stream)
    (await house.supervisor.worker()).erase(0, "")
    assert (await told(stream)).text().endswith("x")


async def test_requests_tokens_and_caches_add_up(open_house: OpenHouse) -> None:
    house = open_house()
    first = await ended(await house.ask("hello there", sampling=GREEDY))
    second = await ended(await house.ask("hello there", sampling=GREEDY))
    await (await house.supervisor.worker()).look()
    counts = house.tally.counts
    assert (counts.requests, counts.misses, counts.hits) == (2, 1, {"live": 1})
    assert counts.prompt_tokens == first.timings.prompt_n + second.timings.prompt_n
    assert counts.drawn_tokens == first.timings.predicted_n + second.timings.predicted_n
    assert counts.cached == {"live": second.timings.cache_n}
    assert sum(counts.first_token.values()) == 2
    assert counts.first_token_seconds > 0


async def test_a_prompt_of_which_nothing_is_said_is_read(open_house: OpenHouse) -> None:
    house = open_house()
    story = await told(await house.ask("hello there", sampling=GREEDY, max_tokens=0))
    assert (story.text(), story.finishes[0].reason) == ("", "length")
    done = await ended(await house.ask("hello there", sampling=GREEDY))
    assert done.timings.prompt_n == 0


async def test_a_prompt_that_fills_the_window_is_read_where_nothing_is_said(open_house: OpenHouse) -> None:
    house = open_house(cells=256, parallel=1)
    worker = await house.supervisor.worker()
    full = (65,) * 256
    for more in ({}, {"prompt_logprobs": 0}, {"n": 2}):
        story = await told(await worker.generate(GenerateRequest(id="", tokens=full, max_tokens=0, **more)))
        assert (story.text(), story.finishes[0].reason) == ("", "length")
    looked = await told(await worker.generate(GenerateRequest(id="", tokens=full, look=1)))
    assert any(isinstance(event, Looked) for event in looked.events)
    with pytest.raises(PromptTooLong):
        await worker.generate(GenerateRequest(id="", tokens=full, max_tokens=1))
    with pytest.raises(PromptTooLong):
        await worker.generate(GenerateRequest(id="", tokens=(*full, 65), max_tokens=0))


async def test_caches_that_make_room_are_counted(open_house: OpenHouse) -> None:
    house = open_house(cells=256, parallel=4)
    for letter in "abc":
        await ended(await house.ask(letter * 80, sampling=GREEDY, max_tokens=1))
    await (await house.supervisor.worker()).look()
    assert house.tally.counts.given_up >= 1


def test_exported_caches_that_make_room_are_counted_with_the_next_end_of_a_request() -> None:
    spec = LoadSpec(engine="echo", path="echo", window=256, cells=256, parallel=1)
    with closing(open_engine(spec, lambda _: True)) as engine:
        tiers = open_tiers("", engine.info.cache_id, ram=4000, disk=0)
        loop = GenerationLoop(engine, lambda _: None, limits_of(engine), TierShelf(tiers))
        counts = NO_COUNTS
        for letter in "abcdef":
            loop.handle(Generate(chat(letter * 120, sampling=GREEDY, max_tokens=1)))
            while not loop.idle:
                loop.step()
            counts += loop.counted() or NO_COUNTS
            loop.put_away()
    kept = tiers.sizes
    assert counts.dropped == {"ram": 5 - kept.ram_entries}
    assert counts.dropped_bytes["ram"] == counts.dropped["ram"] * kept.ram_bytes // kept.ram_entries


async def test_a_worker_that_dies_is_counted_and_one_that_is_told_to_end_is_not(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5")
    worker = await house.supervisor.worker()
    stream = await house.ask("x" * 100, sampling=GREEDY)
    await begun(stream)
    os.kill(worker.pid, signal.SIGKILL)
    await told(stream)
    assert house.tally.crashes == 1
    with pytest.raises(EngineFailed):
        await worker.look()
    again = await house.supervisor.worker()
    assert (await again.generate(chat("hi"))).accepted.prompt_tokens > 0
    await house.supervisor.close()
    assert house.tally.crashes == 1
