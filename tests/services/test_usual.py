"""What a model's answers are drawn with where nobody says anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from samovar.core.errors import InvalidInput, NotFound
from samovar.core.home import Home
from samovar.core.library import Own
from samovar.core.settings import Settings
from samovar.services.house import House, open_house
from samovar.services.own import checked
from samovar.services.usual import usual_sampling


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
async def house(home: Home) -> AsyncIterator[House]:
    async with open_house(Settings(home=home, model="echo", port=0)) as house:
        await house.models.load()
        yield house


async def test_it_is_the_preset_of_the_named_model_else_of_the_pages(house: House) -> None:
    usual = partial(usual_sampling, house.models, house.library, house.presets)
    assert await usual() is None
    await house.library.set_own("echo", await checked(Own(preset="Creative"), house.presets))
    creative = await house.presets.params("creative")
    assert await usual() == await usual("echo") == creative
    assert await usual("another") is None


async def test_a_preset_that_is_gone_is_passed_over_and_a_damaged_one_is_told_of(house: House, home: Home) -> None:
    usual = partial(usual_sampling, house.models, house.library, house.presets)
    saved = await house.presets.save("mine", {"temperature": 0.3}, (), "")
    await house.library.set_own("echo", Own(preset="mine"))
    assert await usual() == saved.params
    (file,) = home.presets.iterdir()
    file.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInput):
        await usual()
    file.unlink()
    assert await usual() is None


async def test_what_cannot_be_meant_is_refused(house: House) -> None:
    with pytest.raises(NotFound):
        await checked(Own(preset="no such preset"), house.presets)
    with pytest.raises(InvalidInput) as refused:
        await checked(Own(template="{% if %}"), house.presets)
    assert refused.value.key == "own.template_broken"
