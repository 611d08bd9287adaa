"""A model that lies outside the library and was named on the command line: it goes by its name like every other."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import NotFound
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.services.house import open_engines
from samovar.services.loading import LoadPlanner
from tests.support.tiny_llama import TinyLlama


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    elsewhere = tmp_path / "elsewhere" / "Tiny-F32.gguf"
    elsewhere.parent.mkdir()
    TinyLlama().write(elsewhere)
    TinyLlama().write(elsewhere.with_name("Other-F32.gguf"))
    return Settings(home=Home(tmp_path / "home"), model=str(elsewhere))


def test_it_is_found_by_the_name_under_which_it_is_listed(settings: Settings) -> None:
    planner = LoadPlanner(settings)
    assert [model.name for model in planner.installed()] == ["Tiny-F32"]
    assert planner.find("Tiny-F32") == planner.find(str(settings.model))


def test_what_lies_beside_it_is_not_served(settings: Settings) -> None:
    planner = LoadPlanner(settings)
    for name in ("Other-F32", str(Path(str(settings.model)).with_name("Other-F32.gguf"))):
        with pytest.raises(NotFound):
            planner.find(name)


async def test_its_file_tells_what_those_of_the_library_tell(settings: Settings) -> None:
    async with open_engines(settings) as engines:
        details = await engines.library.details("Tiny-F32")
        assert details.parameters > 0 and details.model.name == "Tiny-F32"
        with pytest.raises(NotFound):
            await engines.library.remove("Tiny-F32")
