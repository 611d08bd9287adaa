"""Models in several files, names that a server gives, and files of this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from samovar.core.errors import (
    Cancelled,
    SamovarError,
)
from samovar.core.home import Home
from samovar.hub.library import Library
from samovar.hub.pull import Pulled, pull, safe_name
from samovar.hub.sources import Endpoint
from tests.formats.gguf_bytes import small
from tests.hub.pulling import MODEL, get, no_pause, refusal
from tests.hub.server import Site


def split_model() -> dict[str, bytes]:
    files = {}
    for number in range(2):
        part = small().put_u32("split.no", number).put_u32("split.count", 2)
        for tensor in part.tensors:
            tensor.name += f".{number}"
        files[f"Q8_0/big-Q8_0-{number + 1:05d}-of-00002.gguf"] = part.bytes()
    return files


def test_a_split_model_comes_whole(site: Site, home: Home) -> None:
    site.files = split_model()
    got = get(site, home, "org/repo:Q8_0")
    assert got.path.name == "big-Q8_0-00001-of-00002.gguf"
    (found,) = Library(home).models()
    assert (found.name, found.problem) == ("big-Q8_0", None)


def test_a_split_model_at_an_address_comes_whole(site: Site, home: Home) -> None:
    site.files = {path.partition("/")[2]: content for path, content in split_model().items()}
    get(site, home, f"{site.url}/big-Q8_0-00002-of-00002.gguf")
    assert Library(home).find("big").problem is None


def test_of_a_split_model_nothing_appears_until_all_is_here(site: Site, home: Home) -> None:
    site.files = split_model()
    first = next(iter(site.files.values()))
    with pytest.raises(Cancelled):
        pull("org/repo:Q8_0", home, lambda p: p.done <= len(first), Endpoint(site.url), no_pause)
    assert Library(home).models() == ()
    get(site, home, "org/repo:Q8_0")
    assert len(Library(home).models()) == 1


def test_a_long_listing_is_read_to_its_end(site: Site, home: Home) -> None:
    site.files = {f"model-Q{n}_0.gguf": MODEL for n in range(2, 9)}
    site.page_size = 2
    assert get(site, home, "org/repo:Q8_0").path.name == "model-Q8_0.gguf"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.gguf", "a.gguf"),
        ("../../../etc/passwd", "passwd.gguf"),
        ("..\\..\\windows\\a.gguf", "a.gguf"),
        ("..", "model.gguf"),
        (".hidden.gguf", "hidden.gguf"),
        ("a\nb:c*?.gguf", "a_b_c__.gguf"),
        ("модель Q4.gguf", "модель Q4.gguf"),
        ("", "model.gguf"),
        ("x" * 500 + ".gguf", "x" * 200 + ".gguf"),
    ],
)
def test_names_from_a_server_stay_inside(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_hostile_listing_writes_nothing_outside(site: Site, home: Home) -> None:
    site.files = {"../../../evil.gguf": MODEL}
    with pytest.raises(SamovarError):
        get(site, home)
    assert list(home.root.parent.rglob("evil.gguf")) in ([], [home.models / "org/repo/evil.gguf"])


def test_a_local_file_is_linked_into_the_library(site: Site, home: Home, tmp_path: Path) -> None:
    source = tmp_path / "mine.gguf"
    source.write_bytes(MODEL)
    got = get(site, home, str(source))
    assert got == Pulled(home.models / "mine.gguf", fresh=True) and got.path.samefile(source)
    assert not get(site, home, str(got.path)).fresh
    source.unlink()
    assert hashlib.sha256(got.path.read_bytes()).digest() == hashlib.sha256(MODEL).digest()


def test_a_damaged_local_file_is_refused(site: Site, home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(MODEL[:-1])
    assert refusal(site, home, str(tmp_path / "mine.gguf")).key == "formats.cut_data"
