"""A pull ends with the promised bytes in the library, or with nothing there and a sentence that says what to do."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from samovar.core.errors import (
    BadModelFile,
    Cancelled,
    Conflict,
    DownloadFailed,
    InvalidInput,
    NotFound,
    StorageFailed,
)
from samovar.core.home import Home
from samovar.hub import placing
from samovar.hub.library import Library
from samovar.hub.pull import Pulled, Pulling, Report, pull
from samovar.hub.sources import Endpoint
from tests.hub.pulling import HALF, MODEL, get, go_on, has_all, leftovers, no_pause, refusal
from tests.hub.server import Site, serving


def test_pulls_a_repository_and_verifies_it(site: Site, home: Home) -> None:
    seen: list[Pulling] = []

    def watch(pulling: Pulling) -> bool:
        seen.append(pulling)
        return True

    got = pull("org/repo", home, watch, Endpoint(site.url), no_pause)
    assert got == Pulled(home.models / "org/repo/model-Q4_K_M.gguf", fresh=True)
    assert has_all(home, got.path)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, len(MODEL), len(MODEL))
    assert Library(home).find("model").problem is None


def test_what_is_here_is_not_fetched_again(site: Site, home: Home) -> None:
    get(site, home)
    before = len(site.downloads())
    assert not get(site, home).fresh
    assert len(site.downloads()) == before


def test_a_model_is_fetched_by_one_at_a_time(site: Site, home: Home) -> None:
    refused: list[str] = []

    def meanwhile(_: Pulling) -> bool:
        with pytest.raises(Conflict) as raised:
            get(site, home)
        refused.append(raised.value.text())
        return True

    got = pull("org/repo", home, meanwhile, Endpoint(site.url), no_pause)
    assert "model-Q4_K_M.gguf is being fetched by another" in refused[0]
    assert has_all(home, got.path)
    assert not get(site, home).fresh


def test_a_redirect_to_another_host_loses_the_token(site: Site, home: Home) -> None:
    with serving(Site({"model-Q4_K_M.gguf": MODEL})) as cdn:
        site.cdn = cdn.url
        got = pull("org/repo", home, go_on, Endpoint(site.url, "hf_secret"), no_pause)
        assert has_all(home, got.path)
        assert all(asked.headers["authorization"] == "Bearer hf_secret" for asked in site.asked)
        assert cdn.asked and all("authorization" not in asked.headers for asked in cdn.asked)


def test_a_redirect_to_an_unsafe_place_is_not_followed(site: Site, home: Home) -> None:
    site.cdn = "http://example.com"
    assert refusal(site, home).key == "hub.url_scheme"


# Connections that break


def test_a_broken_connection_is_taken_up_where_it_broke(site: Site, home: Home) -> None:
    site.break_after, site.breaks = HALF // 2, 3
    assert has_all(home, get(site, home).path)
    assert site.ranges() == ["", *(f"bytes={HALF // 2 * n}-" for n in (1, 2, 3))]


def test_a_pull_that_failed_is_resumed_by_the_next(site: Site, home: Home) -> None:
    interrupted = interrupt_after(site, home, HALF // 2)
    assert leftovers(home) == ["model-Q4_K_M.gguf.part", "model-Q4_K_M.gguf.part.json"]
    assert has_all(home, get(site, home).path)
    assert site.ranges()[-1] == f"bytes={interrupted}-"


def interrupt_after(site: Site, home: Home, count: int, source: str = "org/repo") -> int:
    """Cancels a pull once more than `count` bytes are here, and says how many are kept."""
    with pytest.raises(Cancelled):
        pull(source, home, lambda p: p.done < count, Endpoint(site.url), no_pause)
    (part,) = home.models.rglob("*.part")
    assert count <= part.stat().st_size < len(MODEL)
    return part.stat().st_size


def test_a_server_that_stays_away_is_given_up_with_the_bytes_kept(site: Site, home: Home) -> None:
    pauses: list[float] = []
    site.break_after, site.breaks = HALF, 1
    with pytest.raises(DownloadFailed) as caught:
        pull("org/repo", home, go_then_fail(site), Endpoint(site.url), pauses.append)
    assert caught.value.key == "hub.broke_off" and caught.value.facts["done"] == HALF
    assert pauses == sorted(pauses) and len(pauses) == 4
    assert "model-Q4_K_M.gguf.part" in leftovers(home)


def go_then_fail(site: Site) -> Report:
    def report(pulling: Pulling) -> bool:
        if pulling.done:
            site.statuses = [(503, {})] * 20
        return True

    return report


@pytest.mark.parametrize("fault", ["ignore_range", "refuse_range"])
def test_a_server_that_cannot_resume_sends_all_again(site: Site, home: Home, fault: str) -> None:
    setattr(site, fault, True)
    site.break_after, site.breaks = HALF, 1
    assert has_all(home, get(site, home).path)


def test_a_passing_trouble_is_waited_out(site: Site, home: Home) -> None:
    pauses: list[float] = []

    def trouble(pulling: Pulling) -> bool:
        if pulling.done == 0 and not pauses:
            site.statuses = [(503, {}), (429, {})]
        return True

    pull("org/repo", home, trouble, Endpoint(site.url), pauses.append)
    assert len(pauses) == 2


# Bytes that are not those that were promised


def test_a_tampered_byte_is_noticed_and_thrown_away(site: Site, home: Home) -> None:
    site.tamper = True
    assert refusal(site, home).key == "hub.sha_differs"
    assert leftovers(home) == []


def test_a_damaged_part_on_disk_is_noticed(site: Site, home: Home) -> None:
    interrupt_after(site, home, HALF)
    (part,) = home.models.rglob("*.part")
    with part.open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    assert refusal(site, home).key == "hub.sha_differs"
    assert has_all(home, get(site, home).path)


def test_a_size_other_than_listed_is_refused_before_it_is_fetched(site: Site, home: Home) -> None:
    site.listed_size = len(MODEL) + 1
    assert refusal(site, home).key == "hub.size_differs"


def test_a_file_that_is_no_model_is_noticed_at_its_first_bytes(site: Site, home: Home) -> None:
    site.files = {"model.gguf": b"<!DOCTYPE html>" + b" " * 2_000_000}
    error = refusal(site, home)
    assert isinstance(error, BadModelFile) and error.key == "formats.is_html"
    assert str(error.facts["path"]).startswith(site.url) and leftovers(home) == []


def test_a_cut_model_is_refused_even_where_the_source_promises_it(site: Site, home: Home) -> None:
    site.files = {"model.gguf": MODEL[:-1]}
    assert refusal(site, home).key == "formats.cut_data"
    assert leftovers(home) == []


# Addresses without a promise


def test_an_address_is_resumed_by_its_etag(site: Site, home: Home) -> None:
    source = f"{site.url}/model-Q4_K_M.gguf?download=true"
    kept = interrupt_after(site, home, HALF, source)
    got = get(site, home, source)
    assert has_all(home, got.path) and got.path == home.models / "model-Q4_K_M.gguf"
    assert site.asked[-1].headers["if-range"] == '"first"'
    assert site.ranges()[-1] == f"bytes={kept}-"


@pytest.mark.parametrize("careless", [False, True])
def test_a_file_that_changed_meanwhile_starts_again(site: Site, home: Home, careless: bool) -> None:
    """A careful server answers If-Range with the whole new file; a careless one sends a piece under a new ETag."""
    source = f"{site.url}/model-Q4_K_M.gguf"
    interrupt_after(site, home, HALF, source)
    site.files["model-Q4_K_M.gguf"] = changed = MODEL[:-1] + b"!"
    site.etag, site.ignore_if_range = '"second"', careless
    assert has_all(home, get(site, home, source).path, changed)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_nothing_is_appended(site: Site, home: Home, etag: str | None) -> None:
    site.etag = etag
    source = f"{site.url}/model-Q4_K_M.gguf"
    interrupt_after(site, home, HALF, source)
    assert has_all(home, get(site, home, source).path)
    assert site.ranges()[-1] == ""


def test_a_server_that_tells_no_length(site: Site, home: Home) -> None:
    site.chunked = True
    seen: list[int | None] = []

    def watch(pulling: Pulling) -> bool:
        seen.append(pulling.total)
        return True

    got = pull(f"{site.url}/model-Q4_K_M.gguf", home, watch, Endpoint(site.url), no_pause)
    assert has_all(home, got.path) and set(seen) == {None}


def test_an_address_with_a_known_hash_is_verified(site: Site, home: Home) -> None:
    with serving(Site({"model-Q4_K_M.gguf": MODEL}, tamper=True)) as cdn:
        site.cdn = cdn.url
        assert refusal(site, home, f"http://localhost:{site.url.rpartition(':')[2]}/model-Q4_K_M.gguf").key == (
            "hub.sha_differs"
        )


# Refusals


class Case(NamedTuple):
    status: int
    headers: dict[str, str]
    key: str


@pytest.mark.parametrize(
    "case",
    [
        Case(401, {"X-Error-Code": "GatedRepo"}, "hub.gated"),
        Case(403, {"X-Error-Code": "GatedRepo"}, "hub.gated"),
        Case(401, {}, "hub.repo_not_found"),
        Case(404, {}, "hub.repo_not_found"),
        Case(403, {}, "hub.forbidden"),
        Case(418, {}, "hub.refused"),
        Case(200, {}, "hub.not_the_hub"),
        Case(503, {}, "hub.unreachable"),
    ],
)
def test_what_the_hub_refuses_is_said(site: Site, home: Home, case: Case) -> None:
    site.statuses = [(case.status, case.headers)]
    assert refusal(site, home).key == case.key


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("org/other", "hub.repo_not_found"),
        ("org/repo:Q8_0", "hub.repo_no_quant"),
        ("org/repo/missing.gguf", "hub.repo_no_file"),
        ("ftp://example.com/a.gguf", "hub.url_scheme"),
        ("http://example.com/a.gguf", "hub.url_scheme"),
        ("https://", "hub.url_scheme"),
        ("just-a-word", "hub.source_unclear"),
        ("", "hub.source_unclear"),
        ("./missing.gguf", "formats.not_found"),
    ],
)
def test_sources_that_are_none(site: Site, home: Home, source: str, key: str) -> None:
    error = refusal(site, home, source)
    assert error.key == key and isinstance(error, InvalidInput | NotFound)


def test_an_address_with_nothing_behind_it(site: Site, home: Home) -> None:
    assert refusal(site, home, f"{site.url}/missing.gguf").key == "hub.url_not_found"


def test_a_server_that_is_not_there(home: Home) -> None:
    with serving(Site()) as gone:
        pass
    assert refusal(gone, home).key == "hub.unreachable"
    assert refusal(gone, home, f"{gone.url}/a.gguf").key == "hub.unreachable"


def test_a_disk_that_is_too_small_is_said_before_a_byte_comes(
    site: Site, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "_SPARE_BYTES", 1 << 60)
    error = refusal(site, home)
    assert isinstance(error, StorageFailed) and error.facts["needed"] == len(MODEL)
    assert site.downloads() == []
