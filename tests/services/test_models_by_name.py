"""Models by name with real workers: loaded by whoever asks, beside each other, with what each has of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from samovar.core.errors import Conflict, InvalidInput, NotEnoughMemory, NotFound
from samovar.core.events import Delta
from samovar.core.home import Home
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, Message
from samovar.core.settings import Settings
from samovar.hub.starter import starter_file
from samovar.services.contracts import Own
from samovar.services.house import Engines, open_engines
from samovar.services.slots import SlotService
from tests.support.tiny_llama import TinyLlama

Open = Callable[..., AbstractAsyncContextManager[Engines]]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """A home with two tiny models; the echo engine is the page's."""
    home = Home(tmp_path / "home")
    home.make()
    for name in ("one", "two"):
        TinyLlama().write(home.models / f"{name}.gguf")

    @asynccontextmanager
    async def make(**settings: Any) -> AsyncIterator[Engines]:
        given = {"model": "echo", "ctx": 512, "parallel": 1, "kv_ram": 0, "kv_disk": 0} | settings
        async with open_engines(Settings(home=home, **given)) as engines:
            yield engines

    return make


def question(model: str | None, text: str = "hello", **more: Any) -> Completion:
    params = SamplingParams({"temperature": 0.0})
    return Completion(
        **{"model": model, "messages": (Message("user", text),), "sampling": params, "max_tokens": 8} | more
    )


async def say(engines: Engines, completion: Completion) -> str:
    return "".join([e.text async for e in await engines.answers.start(completion) if isinstance(e, Delta)])


def names(engines: Engines) -> set[str]:
    return {model.name for model in engines.models.loaded()}


async def test_a_request_by_name_loads_the_model_beside_the_pages(opened: Open) -> None:
    async with opened() as engines:
        await engines.models.load()
        await asyncio.gather(*(say(engines, question(name)) for name in ("one", "two", "one", None)))
        assert names(engines) == {"echo", "one", "two"}
        assert engines.models.state.name == "echo"
        memory = {model.name: model.memory for model in engines.models.loaded()}
        assert memory["one"] > 0
        expires = {model.name: model.expires for model in engines.models.loaded()}
        assert expires["echo"] is None and expires["one"] is not None


async def test_the_model_that_was_chosen_is_the_pages_and_the_former_one_stays_a_while(opened: Open) -> None:
    async with opened() as engines:
        await engines.models.load()
        await engines.models.load("one")
        assert engines.models.state.name == "one"
        expires = {model.name: model.expires for model in engines.models.loaded()}
        assert expires["one"] is None and expires["echo"] is not None
        assert await say(engines, question("echo")) == "hello"
        assert engines.models.state.name == "one"


async def test_the_pages_model_is_remembered_when_it_had_to_leave(opened: Open) -> None:
    async with opened(models_max=1) as engines:
        await engines.models.load("one")
        await say(engines, question("two"))
        assert names(engines) == {"two"}
        assert (engines.models.state.name, engines.models.state.state) == ("one", "none")
        await engines.answers.render(question(None))
        assert engines.models.state.state == "ready" and names(engines) == {"one"}


async def test_a_request_says_how_long_its_model_stays(opened: Open) -> None:
    async with opened() as engines:
        await engines.models.load()
        await say(engines, question("one", keep_alive=0))
        while names(engines) != {"echo"}:
            await asyncio.sleep(0)
        await say(engines, question("one", keep_alive=-1))
        assert engines.models.loaded()[0].expires is None
        await engines.answers.embed(["tea"], "one", keep_alive=0)
        while names(engines) != {"echo"}:
            await asyncio.sleep(0)


async def test_what_does_not_fit_into_the_memory_that_was_allowed_is_refused(opened: Open) -> None:
    async with opened(memory=100 << 20) as engines:
        await engines.models.load()
        with pytest.raises(NotEnoughMemory):
            await say(engines, question("one"))
        assert names(engines) == {"echo"}


async def test_two_real_models_answer_at_the_same_time(opened: Open) -> None:
    async with opened(model=str(starter_file()), threads=1) as engines:
        await engines.models.load()
        await engines.models.load_beside("one")
        said = {None: 0, "one": 0}
        both = asyncio.Event()

        async def answer(name: str | None) -> None:
            stream = await engines.answers.start(question(name, "Tell a long story.", max_tokens=400))
            async for event in stream:
                said[name] += isinstance(event, Delta)
                if min(said.values()) >= 3:
                    both.set()
                if both.is_set():
                    await stream.cancel()

        await asyncio.gather(*map(answer, said))
        assert both.is_set()


async def test_a_model_has_a_template_of_its_own(opened: Open) -> None:
    async with opened() as engines:
        await engines.library.set_own("one", Own(template="[{{ messages[0].content }}]", threads=1))
        prompt = await engines.answers.render(question("one", "tea"))
        assert "".join(part.text for part in prompt.parts) == "[tea]"
        assert "prompts.no_template" not in [n.key for s in engines.models.states() for n in s.notes]
        other = await engines.answers.render(question("two", "tea"))
        assert "".join(part.text for part in other.parts) != "[tea]"
        for wrong in ("{% if %}", "{{ ''.__class__ }}"):
            with pytest.raises(InvalidInput):
                await engines.library.set_own("one", Own(template=wrong))
        with pytest.raises(NotFound):
            await engines.library.set_own("nothing", Own())


async def test_a_template_is_changed_while_the_model_is_loaded(opened: Open) -> None:
    async with opened() as engines:
        await engines.library.alias("one", "tea")
        before = await engines.answers.render(question("one", "tea"))
        (state,) = (state for state in engines.models.states() if state.name == "one")
        await engines.library.set_own("tea", Own(template="[{{ messages[0].content }}]"))
        during = await engines.answers.render(question("one", "tea"))
        assert "".join(part.text for part in during.parts) == "[tea]"
        assert "prompts.no_template" not in [n.key for s in engines.models.states() for n in s.notes]
        await engines.library.set_own("one", Own())
        assert (await engines.answers.render(question("one", "tea"))).parts == before.parts
        assert state in engines.models.states()


async def test_a_model_is_asked_by_another_name(opened: Open) -> None:
    async with opened() as engines:
        await engines.library.alias("one", "gpt-4o")
        assert await engines.library.aliases() == {"gpt-4o": "one"}
        stream = await engines.answers.start(question("gpt-4o"))
        assert stream.model == "one"
        async for _ in stream:
            pass
        await engines.library.set_own("gpt-4o", Own(preset="creative"))
        assert await engines.library.own("one") == Own(preset="creative")
        await engines.models.unload("gpt-4o")
        assert "one" not in names(engines)
        await engines.library.unalias("gpt-4o")
        with pytest.raises(NotFound):
            await engines.answers.start(question("gpt-4o"))


async def test_slots_are_those_of_the_model_that_is_named_where_it_is_loaded(opened: Open, tmp_path: Path) -> None:
    async with opened(parallel=2) as engines:
        slots = SlotService(engines.models, engines.answers, tmp_path / "slots")
        await engines.models.load()
        assert await slots.listed("", "one") == ()
        with pytest.raises(NotFound):
            await slots.save(0, "tea", "", "one")
        await engines.library.alias("one", "tea")
        stream = await engines.answers.start(question("one", "tea"))
        done = await engines.answers.finish(stream)
        for name in ("one", "tea"):
            assert (await slots.listed("", name))[done.sequence].held > 0
        assert not any(slot.held for slot in await slots.listed(""))
        kept = await slots.save(done.sequence, "kept", "", "one")
        assert await slots.erase(done.sequence, "", "one") > 0
        assert (await slots.restore("kept", "", "tea")).tokens == kept.tokens
        with pytest.raises(NotFound):
            await slots.restore("kept", "")
        assert engines.models.engine("tea") == engines.models.engine("one") is not None
        assert engines.models.engine("two") is None
        assert names(engines) == {"echo", "one"}


async def test_a_model_is_removed_with_its_worker_but_not_while_it_answers(opened: Open) -> None:
    async with opened(ctx=2048) as engines:
        await engines.models.load()
        stream = await engines.answers.start(question("one", max_tokens=2000, past_end=True))
        with pytest.raises(Conflict):
            await engines.library.remove("one")
        await stream.cancel()
        async for _ in stream:
            pass
        await engines.library.remove("one")
        assert "one" not in names(engines)
        assert "one" not in [model.name for model in engines.models.installed()]
        with pytest.raises(NotFound):
            await engines.library.remove("one")
