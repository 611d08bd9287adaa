"""What is done beside requests, with a real worker: sizes are those of real prompts, and nothing loads a model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from samovar.core.engine import Capabilities, EngineInfo
from samovar.core.events import Done
from samovar.core.home import Home
from samovar.core.requests import Completion, Message, Part
from samovar.core.settings import Settings
from samovar.runtime.frames import Cancel, Tokens
from samovar.runtime.process import WorkerProcess
from samovar.services.contracts import Measured
from samovar.services.house import Engines, open_engines
from samovar.services.idle import IdleService
from samovar.services.models import Served
from samovar.services.sizes import GUESSED, Sizes

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
def idle(engines: Engines, tmp_path: Path) -> IdleService:
    return IdleService(engines.models, engines.answers, Home(tmp_path / "home").kv)


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


SUPPLE = Capabilities()


@dataclass
class Letters:
    """A worker's tokenizer for which a letter is a token."""

    counted: list[str] = field(default_factory=list)

    async def tokenize(self, parts: tuple[Part, ...], **_: bool) -> Tokens:
        self.counted += [part.text for part in parts]
        letters = "".join(part.text for part in parts)
        return Tokens("", tuple(map(ord, letters)))


def served(template: str, worker: Letters, capabilities: Capabilities = SUPPLE) -> Served:
    info = EngineInfo(
        architecture="llama",
        description="",
        vocab_size=9,
        trained_context=9,
        window=99,
        cells=99,
        parallel=1,
        threads=1,
        chat_template=template,
        bos_token=None,
        eos_token=None,
        capabilities=capabilities,
    )
    return Served("letters", cast(WorkerProcess, worker), info)


async def test_markup_is_measured_by_what_the_template_makes_of_a_small_chat() -> None:
    template = "HEAD{% for m in messages %}[{{ m.content }}]{% endfor %}>"
    measured = await Sizes().measure(served(template, Letters()), CHAT)
    assert (measured.window, measured.fixed) == (99, len("HEAD>"))
    assert measured.sizes == tuple(len(f"[{message.content}]") for message in CHAT)


@pytest.mark.parametrize("written", [True, False])
async def test_thoughts_take_room_where_the_template_writes_them(written: bool) -> None:
    each = "[{{ m.content }}{{ m.reasoning_content }}]" if written else "[{{ m.content }}]"
    template = "{% for m in messages %}" + each + "{% endfor %}>"
    chat = (Message("user", "Hi?"), Message("assistant", "Yes.", reasoning="Hm, hm."), Message("user", "So?"))
    measured = await Sizes().measure(served(template, Letters()), chat)
    thought = len("Hm, hm.") if written else 0
    assert measured.sizes == (len("[Hi?]"), len("[Yes.]") + thought, len("[So?]"))


async def test_thoughts_that_are_to_go_on_take_room(engines: Engines) -> None:
    chat = (Message("user", "Hi?"), Message("assistant", "", reasoning="Hm, hm."))
    one, with_thoughts = [(await engines.answers.measure(some)).sizes[-1] for some in ((chat[0],), chat)]
    assert with_thoughts - one == len("Hm, hm.") - len("Hi?")


async def test_a_template_that_refuses_a_small_chat_is_guessed_at() -> None:
    template = "{% if messages[0].role != 'system' %}{{ raise_exception('I want a system message') }}{% endif %}"
    measured = await Sizes().measure(served(template, Letters()), CHAT[:1])
    assert measured == Measured(99, GUESSED.fixed, (len("Be brief.") + GUESSED.around,))


async def test_another_model_counts_anew() -> None:
    sizes, worker = Sizes(), Letters()
    for template in ("{{ messages[0].content }}", "{{ messages[0].content }}!"):
        model = served(template, worker)
        for _ in range(2):
            await sizes.measure(model, CHAT[:1])
    assert worker.counted.count("Be brief.") == 2


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


async def test_a_model_whose_cache_cannot_be_cut_reads_nothing_ahead(
    engines: Engines, idle: IdleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Letters()
    stiff = served("{{ messages[0].content }}", worker, Capabilities(can_remove_tail=False))
    monkeypatch.setattr(engines.models, "ready", lambda: nullcontext(stiff))
    assert await idle.warm(Completion(messages=CHAT, warm=True)) is None
    assert await idle.measure(CHAT[:1]) is not None


async def test_what_was_read_ahead_is_not_read_again(engines: Engines, idle: IdleService) -> None:
    await engines.models.load()
    ahead = await idle.warm(Completion(messages=CHAT, warm=True))
    assert ahead is not None
    async for _ in ahead:
        pass
    asked = await engines.answers.start(Completion(messages=CHAT, max_tokens=1))
    *_, done = [event async for event in asked]
    assert isinstance(done, Done)
    assert done.usage.cached_tokens >= done.usage.prompt_tokens - 1


async def test_what_is_read_ahead_for_no_conversation_never_reaches_the_disk(
    engines: Engines, idle: IdleService, tmp_path: Path
) -> None:
    def kept() -> int:
        return len(list(Home(tmp_path / "home").kv.rglob("*.kv")))

    async def read(session: str) -> None:
        await engines.models.load()
        ahead = await idle.warm(Completion(messages=CHAT, session=session, warm=True))
        assert ahead is not None
        async for _ in ahead:
            pass
        await engines.models.unload()

    await read(session="")
    assert kept() == 0
    await read(session="c")
    assert kept() == 1


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


async def test_a_forgotten_conversation_leaves_no_cache(
    engines: Engines, idle: IdleService, tmp_path: Path
) -> None:
    async def ask(session: str) -> int:
        chat = (Message("user", "tell me something that nobody else should know of"),)
        asked = await engines.answers.start(
            Completion(messages=chat, max_tokens=3, session=session, tenant=session)
        )
        done = [event async for event in asked][-1]
        assert isinstance(done, Done)
        return done.usage.cached_tokens

    def kept() -> list[Path]:
        return list(Home(tmp_path / "home").kv.rglob("*.kv"))

    await ask("secret")
    await ask("other")
    await engines.models.unload()
    assert len(kept()) == 2
    await idle.forget("secret")
    assert len(kept()) == 1
    assert await ask("secret") == 0
    await idle.forget("secret")
    assert await ask("secret") == 0
    assert await ask("other") > 0
