"""Getting models for clients: followed while it runs, stopped when nobody follows, never from this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from samovar.core.errors import Cancelled, Conflict, DownloadFailed, InvalidInput, NotFound
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.hub.pull import Pulled, Report
from samovar.hub.pull import Pulling as HubPulling
from samovar.services.contracts import Pulling
from samovar.services.house import Engines, open_engines
from samovar.services.pulling import Downloads
from tests.hub.pulling import HALF, MODEL, leftovers
from tests.hub.server import Site, serving


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with serving(Site({"model-Q4_K_M.gguf": MODEL})) as site:
        monkeypatch.setenv("HF_ENDPOINT", site.url)
        yield site


@pytest.fixture
async def engines(tmp_path: Path) -> AsyncIterator[Engines]:
    async with open_engines(Settings(home=Home(tmp_path / "home"), model="echo")) as engines:
        yield engines


async def test_a_pull_tells_how_far_it_is_and_ends_with_the_models_name(
    site: Site, engines: Engines, tmp_path: Path
) -> None:
    assert site.url
    told = [pulling async for pulling in engines.library.pull("org/repo")]
    assert told[-1] == Pulling(len(MODEL), len(MODEL), "model-Q4_K_M")
    assert [pulling.done for pulling in told] == sorted(pulling.done for pulling in told)
    assert (await engines.library.details("model-Q4_K_M")).model.size == len(MODEL)
    assert leftovers(Home(tmp_path / "home")) == ["model-Q4_K_M.gguf"]


async def test_one_that_nobody_follows_any_more_stops_and_goes_on_the_next_time(
    site: Site, engines: Engines
) -> None:
    site.hold = threading.Event()
    async with aclosing(engines.library.pull("org/repo")) as told:
        waiting = asyncio.ensure_future(anext(told))
        await asyncio.sleep(0)
        with pytest.raises(Conflict):
            await anext(engines.library.pull("org/repo"))
        site.hold.set()
        assert (await waiting).model is None
    told_again = [pulling async for pulling in engines.library.pull("org/repo")]
    assert told_again[-1].model == "model-Q4_K_M"


async def test_closing_tells_the_download_to_end() -> None:
    ended: list[str] = []

    def endless(_: str, report: Report) -> Pulled:
        done = 0
        while report(HubPulling(done, None, 0.0)):
            done += 1
        ended.append("cancelled")
        raise Cancelled("hub.pull_cancelled", done=done)

    downloads = Downloads(endless, lambda path: path.stem)
    for _ in range(2):
        async with aclosing(downloads.follow("x")) as told:
            assert (await anext(told)).total is None
    assert ended == ["cancelled", "cancelled"]


async def test_what_is_pulled_from_this_machine_or_from_anywhere_else_is_refused(
    site: Site, engines: Engines, tmp_path: Path
) -> None:
    (tmp_path / "own.gguf").write_bytes(MODEL[:HALF])
    for source in (str(tmp_path / "own.gguf"), "http://127.0.0.1:9/a.gguf", "https://evil.example/a.gguf"):
        with pytest.raises(InvalidInput):
            await anext(engines.library.pull(source))
    site.statuses = [(302, {"Location": "https://evil.example/a.gguf"})]
    with pytest.raises(InvalidInput, match="evil"):
        await anext(engines.library.pull("org/repo"))


async def test_what_a_pull_fails_with_is_raised(site: Site, engines: Engines) -> None:
    site.tamper = True
    with pytest.raises(DownloadFailed):
        async for _ in engines.library.pull("org/repo"):
            pass
    with pytest.raises(NotFound):
        await engines.library.details("model-Q4_K_M")
