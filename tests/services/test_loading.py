"""What a load is planned to be, by what the machine has."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from samovar.core.engine import LoadSpec
from samovar.core.errors import NotEnoughMemory
from samovar.core.home import Home
from samovar.core.rope import CacheTypes
from samovar.core.settings import Settings
from samovar.engines.llama.builds import installed
from samovar.engines.llama.cpu import read_cpu
from samovar.hub.starter import starter_file
from samovar.services import loading
from samovar.services.loading import LoadPlanner
from samovar.services.verdicts import verdict_key

BUILDS = {found.build for found in installed()}

pytestmark = pytest.mark.skipif(
    "ik" not in BUILDS or not read_cpu().runs_ik,
    reason="the ik build of libllama cannot be used here",
)
ENOUGH = 8 << 30


def plan(monkeypatch: pytest.MonkeyPatch, home: Path, available: int, **wishes: object) -> LoadSpec:
    monkeypatch.setattr(loading, "available_memory", lambda: available)
    settings = Settings(home=Home(home), model=str(starter_file()), **wishes)  # type: ignore[arg-type]
    planner = LoadPlanner(settings)
    return planner.plan(planner.find(str(starter_file())))


def test_with_memory_for_it_each_conversation_has_a_window_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = plan(monkeypatch, tmp_path, ENOUGH, parallel=4, ctx=4096)
    assert spec.settings[0].apart and (spec.window, spec.cells) == (4096, 4 * 4096)


def test_what_is_to_be_reused_in_the_middle_needs_all_in_one_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = plan(monkeypatch, tmp_path, ENOUGH, parallel=4, ctx=4096, reuse_shifted=True)
    assert spec.reuse_shifted
    assert not any(way.apart for way in spec.settings)
    assert verdict_key(spec) != verdict_key(replace(spec, reuse_shifted=False)), "the ways are others"


def test_keys_are_kept_as_what_is_fastest_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert plan(monkeypatch, tmp_path, ENOUGH).cache == CacheTypes("q8_0", "f16")
    assert plan(monkeypatch, tmp_path, ENOUGH, cache=CacheTypes("f16", "f16")).cache == CacheTypes("f16", "f16")


@pytest.mark.skipif("mainline" not in BUILDS, reason="the mainline build of libllama is not installed")
def test_keys_stay_exact_where_shorter_ones_are_no_faster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert plan(monkeypatch, tmp_path, ENOUGH, library="mainline").cache == CacheTypes("f16", "f16")


def test_with_less_all_share_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = plan(monkeypatch, tmp_path, 600 << 20, parallel=4, ctx=8192)
    assert not any(way.apart for way in spec.settings) and 8192 <= spec.cells < 4 * 8192
    assert plan(monkeypatch, tmp_path, 600 << 20, parallel=4).window == 8192


def test_where_sharing_is_no_way_out_the_largest_window_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quantised = {"library": "ik", "cache": CacheTypes("q8_0", "q8_0"), "parallel": 8}
    with pytest.raises(NotEnoughMemory, match=r"4,096.*2,816"):
        plan(monkeypatch, tmp_path, 500 << 20, ctx=4096, **quantised)
    assert plan(monkeypatch, tmp_path, 500 << 20, **quantised).window == 2816
