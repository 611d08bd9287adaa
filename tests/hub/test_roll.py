"""Other names for models, and what each has of its own: kept in a file that a person may edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import Conflict, InvalidInput, NotFound, StorageFailed
from samovar.core.home import Home
from samovar.core.library import NOTHING_OF_ITS_OWN, Own
from samovar.hub.library import Library
from samovar.hub.roll import LONGEST_ALIAS, Roll
from tests.support.tiny_llama import TinyLlama


@pytest.fixture
def library(tmp_path: Path) -> Library:
    home = Home(tmp_path)
    home.make()
    for name in ("tea", "honey"):
        TinyLlama().write(home.models / f"{name}.gguf")
    return Library(home)


def test_a_model_is_found_by_its_other_name_and_by_its_own(library: Library) -> None:
    library.add_alias("gpt-4o", "tea")
    library.add_alias("other", "gpt-4o")
    assert {library.find(name).name for name in ("gpt-4o", "other", "tea")} == {"tea"}


def test_another_process_sees_it_at_once(library: Library, tmp_path: Path) -> None:
    other = Library(Home(tmp_path))
    with pytest.raises(NotFound):
        other.find("gpt-4o")
    library.add_alias("gpt-4o", "tea")
    assert other.find("gpt-4o").name == "tea"
    library.roll.remove_alias("gpt-4o")
    with pytest.raises(NotFound):
        other.find("gpt-4o")


def test_names_that_are_taken_or_cannot_be_are_refused(library: Library) -> None:
    library.add_alias("gpt-4o", "tea")
    library.add_alias("gpt-4o", "tea")
    for alias, model, error in (
        ("gpt-4o", "honey", Conflict),
        ("honey", "tea", Conflict),
        ("new", "nothing", NotFound),
        ("", "tea", InvalidInput),
        (" new", "tea", InvalidInput),
        ("a\nb", "tea", InvalidInput),
        ("x" * (LONGEST_ALIAS + 1), "tea", InvalidInput),
    ):
        with pytest.raises(error):
            library.add_alias(alias, model)
    with pytest.raises(NotFound):
        library.roll.remove_alias("new")


def test_what_is_said_about_a_model_goes_with_it(library: Library) -> None:
    library.add_alias("gpt-4o", "tea")
    library.roll.set_own("tea", Own(threads=2))
    library.roll.set_own("honey", Own(preset="creative"))
    library.remove("tea")
    assert library.roll.entries().aliases == {}
    assert library.roll.own("tea") == NOTHING_OF_ITS_OWN
    assert library.roll.own("honey") == Own(preset="creative")


def test_what_is_taken_back_leaves_nothing(library: Library, tmp_path: Path) -> None:
    library.roll.set_own("tea", Own(threads=2))
    library.roll.set_own("tea", Own())
    assert (tmp_path / "models.json").read_text() == "{}\n"


def test_a_person_may_write_the_file_and_is_told_what_is_wrong_with_it(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text('{"aliases": {"чай": "tea"}, "models": {"tea": {"library": "mainline"}}}', encoding="utf-8")
    assert library.find("чай").name == "tea"
    assert library.roll.own("tea") == Own(library="mainline")
    path.write_text('{"models": {"tea": {"library": "another"}}}')
    with pytest.raises(InvalidInput, match=r"models\.json.*another"):
        library.roll.own("tea")


def test_a_disk_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        Roll(tmp_path / "nowhere" / "models.json").add_alias("a", "b")
