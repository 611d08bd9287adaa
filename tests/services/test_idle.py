"""What is done beside requests, with a real worker: sizes are those of real prompts, and nothing loads a model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samovar.core.events import Done
from samovar.core.home import Home
from samovar.core.requests import Completion, Message
from samovar.core.settings import Settings
from samovar.runtime.frames import Cancel
from samovar.runtime.process import WorkerProcess
from samovar.services.house import Engines, open_engines
from samovar.services.idle import IdleService

CHAT = (
    Message("system", "Be brief."),
    Message("user", "Чай? <|im_end|>"),
    Message("assistant", ""),
    Message("user", "How is tea made?"),
)


@pytest.fixture
async def engines(tmp_path: Path) -> AsyncIterator[Engines]:
    async with open_engines(Settings(home=Home(tmp_path / "home"), model="echo:step_ms=40", ctx=300)) as engines:
        yield engines


@pytest.fixture
def idle(engines: Engines) -> IdleService:
    return IdleService(engines.models, engines.answers)


async def test_messages_are_as_large_as_the_prompt_they_make(engines: Engines) -> None:
    for chat in (CHAT, CHAT[1:], CHAT[:2]):
        measured = await engines.answers.measure(chat)
        prompt = await engines.answers.render(Completion(messages=chat))
        # The roles' own names are longer or shorter than those that the markup was measured with.
        assert abs(measured.fixed + sum(measured.sizes) - len(prompt.tokens)) <= 3 * len(chat)
        assert measured.window == 300


async def test_a_text_is_counted_once(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await engines.answers.measure(CHAT)
    asked: list[object] = []
    tokenize = WorkerProcess.tokenize

    async def watched(self: WorkerProcess, parts: object, **options: object) -> object:
        asked.append(parts)
        return await tokenize(self, parts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(WorkerProcess, "tokenize", watched)
    assert await engines.answers.measure(CHAT) == first
    await engines.answers.measure((*CHAT, Message("user", "new")))
    assert len(asked) == 1


async def test_nothing_loads_a_model(engines: Engines, idle: IdleService) -> None:
    idle.pin(("a",))
    assert await idle.measure(CHAT) is None
    assert await idle.warm(Completion(messages=CHAT, warm=True)) is None
    assert engines.models.state.state == "none"


async def test_a_loaded_model_measures_and_warms(engines: Engines, idle: IdleService) -> None:
    await engines.models.load()
    assert await idle.measure(CHAT) == await engines.answers.measure(CHAT)
    ahead = await idle.warm(Completion(messages=CHAT, session="c", warm=True))
    assert ahead is not None
    assert isinstance([event async for event in ahead][-1], Done)


async def test_every_worker_is_told_what_is_pinned(
    engines: Engines, idle: IdleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, tuple[str, ...]]] = []
    monkeypatch.setattr(WorkerProcess, "pin", lambda worker, sessions: told.append((worker.pid, sessions)))
    loads = idle.loads()
    idle.pin(("a",))
    await engines.models.load()
    await anext(loads)
    idle.pin(("a", "b"))
    async with engines.models.ready() as served:
        assert served is not None
        first = served.worker.pid
        os.kill(first, signal.SIGKILL)
        while served.worker.death is None:
            await asyncio.sleep(0)
    await engines.models.load()
    await anext(loads)
    async with engines.models.ready() as served:
        assert served is not None
        assert told == [(first, ("a",)), (first, ("a", "b")), (served.worker.pid, ("a", "b"))]


async def test_who_waits_for_the_worker_to_be_free_does_not_wait_for_what_is_read_ahead(
    engines: Engines, idle: IdleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engines.models.load()
    sent: list[object] = []
    send = WorkerProcess.send
    monkeypatch.setattr(WorkerProcess, "send", lambda worker, frame: (sent.append(frame), send(worker, frame)))
    async with engines.models.ready() as served:
        assert served is not None
        worker = served.worker
    ahead = await idle.warm(Completion(messages=CHAT * 2, warm=True))
    assert ahead is not None
    await worker.drained()
    assert [frame for frame in sent if isinstance(frame, Cancel)] == [Cancel(ahead.id)]
    assert isinstance([event async for event in ahead][-1], Done)
