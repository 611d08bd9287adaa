"""The context that is chosen for a model on the page: loaded with, kept for the next start, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from samovar.core.errors import Cancelled, InvalidParameter, NotEnoughMemory, NotFound, OutOfRange, StorageFailed
from samovar.core.home import Home
from samovar.core.rope import CacheTypes, Context, RopeWish
from samovar.core.settings import Settings
from samovar.hub.memory import LONGEST_WINDOW
from samovar.runtime.process import WorkerProcess
from samovar.services.contexts import Contexts
from samovar.services.contracts import ContextChoice
from samovar.services.house import House, open_engines, open_house
from tests.support.tiny_llama import TinyLlama

Open = Callable[..., AbstractAsyncContextManager[House]]

LONGER = ContextChoice(Context(ctx=4096, rope=RopeWish(rope_alpha=2.5), cache=CacheTypes("q8_0", "f16")))
BACK = ContextChoice(None)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """The server's services on one home with a model that was trained on 2048 tokens; --ctx 1024."""
    (tmp_path / "models").mkdir()
    TinyLlama().write(tmp_path / "models" / "tiny.gguf")

    @asynccontextmanager
    async def make(**settings: Any) -> AsyncIterator[House]:
        given = {"model": "tiny", "ctx": 1024, "parallel": 1} | settings
        async with open_house(Settings(home=Home(tmp_path), **given)) as house:
            yield house

    return make


async def pid(house: House) -> int:
    async with house.models.ready() as served:
        assert served is not None
        return served.worker.pid


async def test_a_model_is_loaded_anew_with_what_was_chosen_and_says_so(opened: Open) -> None:
    async with opened() as house:
        assert (await house.models.load()).window == 1024
        assert (await house.models.load("tiny", LONGER)).window == 4096
        state = house.models.state
        assert (state.state, state.context) == ("ready", LONGER.context)
        assert "models.context_chosen" in [note.key for note in state.notes]
        assert (await house.models.outlook("tiny")).window == 4096


async def test_the_choice_is_kept_for_the_model_over_a_restart_and_settings_hold_for_others(opened: Open) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
    async with opened() as house:
        assert await house.models.chosen("tiny") == LONGER.context
        assert (await house.models.load()).window == 4096
    async with opened(model="echo") as house:
        assert await house.models.chosen("echo") is None
        assert (await house.models.load()).window == 1024


async def test_going_back_loads_with_the_settings_and_keeps_nothing(opened: Open) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
        assert (await house.models.load("tiny", BACK)).window == 1024
        assert house.models.state.context is None
        assert await house.models.chosen("tiny") is None


async def test_what_is_loaded_already_is_not_loaded_again(opened: Open) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
        before = await pid(house)
        for choice in (None, LONGER):
            await house.models.load("tiny", choice)
        assert await pid(house) == before


async def test_a_window_larger_than_the_memory_is_refused_with_the_largest_and_not_kept(opened: Open) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
        huge = ContextChoice(Context(ctx=LONGEST_WINDOW, cache=CacheTypes("f16", "f16")))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("samovar.services.loading.available_memory", lambda: 1 << 28)
            with pytest.raises(NotEnoughMemory) as refused:
                await house.models.load("tiny", huge)
        assert 4096 < int(refused.value.facts["largest"]) < LONGEST_WINDOW
        failed = house.models.state
        assert (failed.state, failed.context) == ("failed", huge.context)
        assert await house.models.chosen("tiny") == LONGER.context
        assert (await house.models.load("tiny")).window == 4096


@pytest.mark.parametrize(
    ("name", "context", "error"),
    [
        ("tiny", Context(ctx=0), InvalidParameter),
        ("tiny", Context(ctx=LONGEST_WINDOW + 1), InvalidParameter),
        ("tiny", Context(rope=RopeWish(rope_alpha=0.5)), OutOfRange),
        ("nothing", Context(), NotFound),
    ],
)
async def test_what_cannot_be_is_known_before_anything_is_unloaded(
    opened: Open, name: str, context: Context, error: type[Exception]
) -> None:
    async with opened() as house:
        await house.models.load()
        with pytest.raises(error):
            await house.models.check(name, context)
        await house.models.check("tiny", Context(ctx=LONGEST_WINDOW))
        assert house.models.state.state == "ready"


async def test_another_choice_takes_the_place_of_a_load_that_is_under_way(opened: Open) -> None:
    async with opened(model="echo:load_ms=3000") as house:
        first = asyncio.create_task(house.models.load())
        async for state in house.models.watch():
            if state.progress > 0:
                break
        second = await house.models.load("echo", ContextChoice(Context(ctx=300)))
        assert second.window == 300
        with pytest.raises(Cancelled):
            await first


async def test_a_choice_that_cannot_be_kept_holds_for_now_and_is_said(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(contexts: Contexts, model: str, choice: ContextChoice) -> None:  # noqa: ARG001
        raise StorageFailed("store.unusable", path="samovar.db", reason="disk full")

    async with opened(model="echo") as house:
        monkeypatch.setattr(Contexts, "keep", full)
        assert (await house.models.load("echo", ContextChoice(Context(ctx=300)))).window == 300
        assert "store.unusable" in [note.key for note in house.models.state.notes]


async def test_a_worker_that_died_comes_back_with_what_was_chosen(opened: Open) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
        async with house.models.ready() as served:
            assert served is not None
            worker: WorkerProcess = served.worker
            await worker.close()
        assert (await house.models.load()).window == 4096


async def test_the_terminal_goes_by_its_own_options(opened: Open, tmp_path: Path) -> None:
    async with opened() as house:
        await house.models.load("tiny", LONGER)
    settings = Settings(home=Home(tmp_path), model="tiny", ctx=1024, parallel=1)
    async with open_engines(settings) as engines:
        assert (await engines.models.load()).window == 1024
