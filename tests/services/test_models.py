"""Serving one model: loads are shared, outlive who asked for them, can be cancelled, and their end is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from samovar.core.errors import Cancelled, InvalidInput, Missing, NotFound, OutOfRange
from samovar.core.events import Delta, Done
from samovar.core.home import Home
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, Message
from samovar.core.rope import CacheTypes, RopeWish
from samovar.core.settings import Settings
from samovar.services.contracts import ModelState
from samovar.services.house import Engines, open_engines
from samovar.services.loading import LoadPlanner
from samovar.services.verdicts import verdict_key
from tests.support.tiny_llama import TinyLlama

Open = Callable[..., AbstractAsyncContextManager[Engines]]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    @asynccontextmanager
    async def make(model: str | None = "echo", **settings: Any) -> AsyncIterator[Engines]:
        async with open_engines(Settings(home=Home(tmp_path / "home"), model=model, **settings)) as engines:
            yield engines

    return make


async def say(engines: Engines, text: str, model: str | None = None) -> str:
    params = SamplingParams({"temperature": 0.0})
    asked = Completion(model=model, messages=(Message("user", text),), sampling=params, max_tokens=60)
    return "".join([e.text async for e in await engines.answers.start(asked) if isinstance(e, Delta)])


async def until(engines: Engines, state: str) -> ModelState:
    async for seen in engines.models.watch():
        if seen.state == state:
            return seen
    raise AssertionError("a watch does not end")


async def test_the_first_request_loads_the_model_and_the_state_says_so(opened: Open) -> None:
    async with opened() as engines:
        assert engines.models.state == ModelState()
        assert await say(engines, "hello") == "hello"
        assert engines.models.state == ModelState("echo", "ready", 1.0)


async def test_requests_that_come_while_it_loads_share_the_load(opened: Open) -> None:
    async with opened("echo:load_ms=300") as engines:
        assert await asyncio.gather(*(say(engines, f"n{i}") for i in range(4))) == ["n0", "n1", "n2", "n3"]


async def test_a_load_outlives_the_one_who_asked(opened: Open) -> None:
    async with opened("echo:load_ms=300") as engines:
        asking = asyncio.create_task(say(engines, "never read"))
        await until(engines, "loading")
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert (await until(engines, "ready")).name == "echo"


async def test_unloading_cancels_a_load(opened: Open) -> None:
    async with opened("echo:load_ms=6000") as engines:
        loading = asyncio.create_task(engines.models.load())
        await until(engines, "loading")
        while engines.models.state.progress == 0:
            await asyncio.sleep(0)
        await engines.models.unload()
        with pytest.raises(Cancelled):
            await loading
        assert engines.models.state == ModelState()


async def test_a_switch_waits_for_the_answers_in_flight(opened: Open, tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    TinyLlama().write(models / "tiny.gguf")
    async with opened("echo:step_ms=5") as engines:
        await engines.models.load()
        first, switched = await asyncio.gather(say(engines, "x" * 60), engines.models.load("tiny"))
        assert first == "x" * 60
        assert switched.architecture == "llama"
        assert engines.models.state.name == "tiny"


async def test_an_unknown_name_changes_nothing(opened: Open) -> None:
    async with opened() as engines:
        await engines.models.load()
        with pytest.raises(NotFound, match="nothing"):
            await engines.models.load("nothing")
        assert engines.models.state.state == "ready"


async def test_a_model_that_cannot_be_loaded_is_told_and_can_be_tried_again(opened: Open, tmp_path: Path) -> None:
    async with opened(f"echo:fail_load=1;once={tmp_path / 'failed'}") as engines:
        asked = await asyncio.gather(engines.models.load(), return_exceptions=True)
        assert isinstance(asked[0], Exception)
        failed = engines.models.state
        assert failed.state == "failed"
        assert failed.error is not None
        assert await say(engines, "hello") == "hello"


async def test_a_model_to_be_served_that_is_not_there_has_failed_and_the_library_is_still_listed(
    opened: Open, tmp_path: Path
) -> None:
    async with opened("nothing") as engines:
        with pytest.raises(NotFound, match="nothing"):
            await engines.models.load()
        failed = engines.models.state
        assert (failed.name, failed.state) == ("nothing", "failed")
        assert failed.error is not None and "nothing" in failed.error.text()
        TinyLlama().write(tmp_path / "home" / "models" / "tiny.gguf")
        assert [model.name for model in engines.models.installed()] == ["tiny"]
        await engines.models.load("tiny")
        assert engines.models.state.state == "ready"


async def test_a_wrong_name_in_a_request_is_no_failure_of_the_model(opened: Open) -> None:
    async with opened() as engines:
        with pytest.raises(NotFound):
            await engines.models.load("nothing")
        assert engines.models.state == ModelState()


async def test_an_empty_home_gets_the_starter_model(opened: Open, tmp_path: Path) -> None:
    async with opened(None) as engines:
        assert [model.name for model in engines.models.installed()] == ["SmolLM2-135M-Instruct.Q4_1"]
    (tmp_path / "home" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf").unlink()


async def test_a_draft_model_is_loaded_beside_the_model_and_guesses_for_it(opened: Open) -> None:
    async with opened("echo", draft="echo:reply=hello there", speculate="draft") as engines:
        assert await say(engines, "hello you all") == "hello you all"
        assert engines.models.state.notes == ()


async def test_a_draft_model_that_cannot_be_used_is_said_and_the_model_answers(opened: Open) -> None:
    async with opened("echo", draft="echo:fail_load=1") as engines:
        assert await say(engines, "hello") == "hello"
        assert engines.models.state.notes[0].key == "runtime.draft_unused"


async def test_what_the_text_said_before_is_guessed_where_it_is_asked_for(opened: Open) -> None:
    async with opened("echo", speculate="lookup") as engines:
        params = SamplingParams({"temperature": 0.0})
        asked = Completion(messages=(Message("user", "tea and honey " * 20),), sampling=params)
        *_, done = [event async for event in await engines.answers.start(asked)]
        assert isinstance(done, Done)
        assert 0 < done.timings.draft_n_accepted <= done.timings.draft_n


LORE = "the river freezes late " * 8


async def told_twice(engines: Engines) -> Done:
    """A conversation, and then the same one with something put in front of it; the end of the second answer."""
    done = None
    for opening in ((), (Message("system", "an entry about the samovar"),)):
        asked = Completion(messages=(Message("system", "s"), *opening, Message("user", LORE)))
        *_, done = [event async for event in await engines.answers.start(asked)]
    assert isinstance(done, Done)
    return done


async def test_what_stands_behind_inserted_text_is_read_again(opened: Open) -> None:
    async with opened("echo") as engines:
        timings = (await told_twice(engines)).timings
        assert timings.prompt_n > len(LORE)
        assert timings.cache_n_approximate == 0


async def test_where_it_is_asked_for_it_is_not_and_the_answer_says_so(opened: Open) -> None:
    async with opened("echo", reuse_shifted=True) as engines:
        timings = (await told_twice(engines)).timings
        assert timings.prompt_n < len(LORE)
        assert timings.cache_n >= timings.cache_n_approximate >= len(LORE)


async def test_a_model_that_cannot_do_it_is_said(opened: Open) -> None:
    async with opened("echo", reuse_shifted=True, parallel=1) as engines:
        assert await say(engines, "hello") == "hello"
        assert [note.key for note in engines.models.state.notes] == ["runtime.reuse_impossible"]


async def test_a_draft_has_to_be_named(opened: Open) -> None:
    async with opened("echo", speculate="draft") as engines:
        with pytest.raises(InvalidInput, match="--draft"):
            await engines.models.load()


async def test_a_context_past_the_trained_one_is_stretched_and_said(opened: Open, tmp_path: Path) -> None:
    tiny = TinyLlama().write(tmp_path / "tiny.gguf")
    async with opened(str(tiny), ctx=4096, parallel=1, cache=CacheTypes("q8_0", "q8_0")) as engines:
        info = await engines.models.load()
        assert (info.window, info.trained_context) == (4096, 2048)
        (note,) = engines.models.state.notes
        assert note.key == "hub.rope_stretched" and note.facts["window"] == 4096
        assert (await engines.models.outlook(str(tiny), 4096)).notes == (note,)


def test_another_cache_or_other_positions_need_a_verdict_of_their_own(tmp_path: Path) -> None:
    tiny = TinyLlama().write(tmp_path / "tiny.gguf")
    ways = ({}, {"cache": CacheTypes("q8_0")}, {"rope": RopeWish(rope_alpha=2.0)}, {"ctx": 4096})
    planners = [LoadPlanner(Settings(home=Home(tmp_path), model=str(tiny), parallel=1, **way)) for way in ways]
    assert len({verdict_key(planner.plan(planner.find(str(tiny)))) for planner in planners}) == len(ways)


async def test_an_outlook_of_what_is_no_file_or_no_window_is_refused(opened: Open, tmp_path: Path) -> None:
    async with opened() as engines:
        with pytest.raises(Missing, match="echo"):
            await engines.models.outlook("echo")
        with pytest.raises(NotFound):
            await engines.models.outlook("nothing")
    tiny = TinyLlama().write(tmp_path / "tiny.gguf")
    async with opened(str(tiny)) as engines:
        with pytest.raises(OutOfRange):
            await engines.models.outlook(str(tiny), 0)
