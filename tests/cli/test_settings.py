"""samovar settings: what one model has of its own, shown, set and taken back at the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from samovar.cli.settings import revised
from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.core.library import NOTHING_OF_ITS_OWN, Own
from samovar.core.rope import CacheTypes, Context, RopeWish
from samovar.prompts import named
from samovar.services.contexts import Contexts
from samovar.services.contracts import ContextChoice
from samovar.store.database import Database
from samovar.store.records import Records
from tests.cli.test_fleet_commands import samovar
from tests.cli.test_serve import serving
from tests.support.tiny_llama import TinyLlama


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = Home(tmp_path / "home")
    place.make()
    TinyLlama().write(place.models / "tiny.gguf")
    return place.root


def kept(home: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(samovar(home, "settings", "tiny", "--json").stdout)
    return told


def choose(home: Path, context: Context) -> None:
    """As the page does it once a model has loaded with that context."""

    async def put() -> None:
        database = Database.open(Home(home).database)
        await Contexts(Context(), Records(database, "contexts")).keep("tiny", ContextChoice(context))
        await database.close()

    asyncio.run(put())


def test_what_is_set_is_shown_and_can_be_taken_back(home: Path) -> None:
    done = samovar(home, "settings", "TINY", "threads=3", "library=mainline", "template=chatml", "preset=Creative")
    assert done.returncode == 0 and "next load" in done.stdout, done.stderr
    assert kept(home) == {
        "name": "tiny",
        "threads": 3,
        "library": "mainline",
        "template": named.source("ChatML"),
        "preset": "creative",
        "context": None,
    }
    table = samovar(home, "settings", "tiny").stdout
    assert "mainline" in table and "creative" in table and "as the settings" in table
    samovar(home, "settings", "tiny", "threads=", "template=")
    assert kept(home) | {"name": ""} == {
        "name": "",
        "threads": None,
        "library": "mainline",
        "template": None,
        "preset": "creative",
        "context": None,
    }


def test_a_template_comes_from_a_file_and_has_to_work(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("«{{ messages[0].content }}»", encoding="utf-8")
    samovar(home, "settings", "tiny", f"template={file}")
    assert kept(home)["template"] == "«{{ messages[0].content }}»"
    file.write_text("{% if %}", encoding="utf-8")
    refused = samovar(home, "settings", "tiny", f"template={file}", "threads=2")
    assert refused.returncode == 2 and "Nothing was changed" in refused.stderr
    assert (kept(home)["template"], kept(home)["threads"]) == ("«{{ messages[0].content }}»", None)


def test_the_context_that_the_page_keeps_is_shown(home: Path) -> None:
    choose(home, Context(ctx=2048, rope=RopeWish(rope_alpha=2.5), cache=CacheTypes("q8_0", "f16")))
    shown = samovar(home, "settings", "tiny").stdout
    assert "ctx 2048, rope_alpha 2.5, cache_type_k q8_0, cache_type_v f16" in shown


def test_a_running_server_sees_it_at_once(home: Path) -> None:
    with serving(home) as (_, url):
        samovar(home, "settings", "tiny", "threads=1", "preset=creative")
        with httpx.Client(base_url=url, trust_env=False) as client:
            told = client.get("/samovar/models/tiny/settings").json()
    assert (told["threads"], told["preset"]) == (1, "creative")


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ("colour=red", "threads, library, template, preset"),
        ("threads=0", "from 1 to 9999"),
        ("threads=four", "from 1 to 9999"),
        ("library=other", "auto, ik, mainline"),
        ("template=no such file", "ChatML"),
        ("preset", "preset=VALUE"),
    ],
)
def test_a_refusal_says_what_is_allowed(change: str, allowed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        revised(NOTHING_OF_ITS_OWN, [change])
    assert allowed in refused.value.text("en")
    assert refused.value.text("ru") != refused.value.text("en")


def test_one_wrong_change_changes_nothing(home: Path) -> None:
    refused = samovar(home, "settings", "tiny", "threads=2", "preset=creativ", LC_ALL="ru_RU.UTF-8")
    assert refused.returncode == 2 and "creative" in refused.stderr
    assert kept(home)["threads"] is None
    assert samovar(home, "settings", "nothing").returncode == 2


def test_later_changes_of_one_line_win() -> None:
    assert revised(Own(threads=1), ["threads=2", "library=ik", "threads=4", "library="]) == Own(threads=4)
