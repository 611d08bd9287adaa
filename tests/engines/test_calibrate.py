"""Threads and ways of computing are chosen by measurement, among those that are right."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import LoadSpec, Pace, Setting
from samovar.core.errors import Cancelled
from samovar.core.pace import CLEARLY, fastest
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.llama.calibrate import calibrate
from samovar.engines.llama.choice import ENOUGH, fewest, thread_counts
from samovar.engines.registry import open_engine
from tests.conformance.engine_suite import feed, story
from tests.support.quantizing import quantize
from tests.support.tiny_llama import Shape, TinyLlama

PLENTY = 1e9
FLASH, PLAIN, SMALL = (
    Setting("ik", 512, flash=True),
    Setting("ik", 512, flash=False),
    Setting("ik", 31, flash=False),
)
speeds = st.floats(0.1, 1e5)
paces = st.builds(Pace, st.sampled_from([FLASH, PLAIN, SMALL]), st.just(2), st.just(2), speeds, speeds)


@dataclass
class Scripted:
    """Seconds to draw a token and to read one of a prompt, by number of threads."""

    setting: Setting
    draws: dict[int, float]
    reads: dict[int, float]
    sizes: list[int] = field(default_factory=list)

    def draw(self, threads: int) -> float:
        return self.draws[threads]

    def read(self, size: int, threads: int) -> float:
        self.sizes.append(size)
        return self.reads[threads] * size


def quiet() -> bool:
    return False


def busy() -> bool:
    return True


def nothing() -> None:
    pass


@given(st.integers(1, 128), st.integers(1, 256))
def test_the_physical_cores_are_tried_first_and_every_count_is_a_count(physical: int, logical: int) -> None:
    counts = thread_counts(physical, logical)
    assert counts[0] == physical
    assert len(set(counts)) == len(counts) and min(counts) >= 1 and max(counts) <= max(physical, logical)


@given(st.dictionaries(st.integers(1, 64), st.floats(1e-4, 10), min_size=1))
def test_the_fewest_threads_that_are_about_as_fast_are_taken(seconds: dict[int, float]) -> None:
    chosen = fewest(seconds)
    assert seconds[chosen] <= ENOUGH * min(seconds.values())
    assert all(seconds[count] > ENOUGH * min(seconds.values()) for count in seconds if count < chosen)


@given(st.lists(paces, min_size=1, max_size=6))
def test_a_later_way_is_taken_only_where_it_is_clearly_faster(found: list[Pace]) -> None:
    chosen = fastest(found)
    assert chosen.turn <= found[0].turn
    assert chosen is found[0] or chosen.turn < CLEARLY * found[0].turn
    assert min(pace.turn for pace in found) >= CLEARLY * chosen.turn


def test_drawing_and_reading_get_threads_of_their_own() -> None:
    trial = Scripted(PLAIN, {4: 0.010, 2: 0.008, 3: 0.009}, {4: 0.001, 2: 0.002, 3: 0.0015})
    pace = calibrate([trial], (4, 2, 3), PLENTY, nothing, quiet)
    assert pace == Pace(PLAIN, 2, 4, 125.0, 1000.0)


def test_the_fastest_way_is_found_with_the_threads_of_the_first() -> None:
    trials = [
        Scripted(FLASH, {2: 0.010, 1: 0.012}, {2: 0.002, 1: 0.004}),
        Scripted(PLAIN, {2: 0.008}, {2: 0.001}),
        Scripted(SMALL, {2: 0.009}, {2: 0.001}),
    ]
    pace = calibrate(trials, (2, 1), PLENTY, nothing, quiet)
    assert pace is not None and pace.setting == PLAIN


def test_without_time_the_first_way_and_the_likeliest_threads_are_measured() -> None:
    trials = [Scripted(FLASH, {2: 0.010}, {2: 0.002}), Scripted(PLAIN, {}, {})]
    pace = calibrate(trials, (2, 1), 0.0, nothing, quiet)
    assert pace == Pace(FLASH, 2, 2, 100.0, 500.0)


def test_a_slow_model_is_measured_with_short_prompts() -> None:
    trial = Scripted(PLAIN, {2: 0.5}, {2: 0.05})
    calibrate([trial], (2,), 0.0, nothing, quiet)
    assert set(trial.sizes) == {48}


def test_nothing_is_concluded_while_other_processes_are_in_the_way() -> None:
    trial = Scripted(PLAIN, {2: 0.008}, {2: 0.001})
    assert calibrate([trial], (2,), PLENTY, nothing, busy) is None


installed = [
    pytest.param(build, marks=pytest.mark.skipif(not importlib.util.find_spec(module), reason=f"no {build} build"))
    for build, (module, _) in PACKAGES.items()
]
each = pytest.mark.parametrize("build", installed)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def spec(path: Path, *ways: Setting, **changes: object) -> LoadSpec:
    sizes = {"window": 512, "cells": 1024, "parallel": 1, "calibrate": 0.2}
    return LoadSpec(engine="llama", path=str(path), settings=ways, **sizes | changes)  # type: ignore[arg-type]


@each
def test_a_calibrated_engine_says_how_fast_it_is_and_has_an_empty_cache(tiny: Path, build: str) -> None:
    shares: list[float] = []
    ways = (Setting(build, 512, flash=True), Setting(build, 512, flash=False))
    engine = open_engine(spec(tiny, *ways), lambda share: shares.append(share) is None)
    assert engine.info.setting in ways
    assert engine.info.pace is None or engine.info.pace.setting == engine.info.setting
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert feed(engine, 0, story(1, 512)).shape == (512, engine.info.vocab_size)
    engine.close()


@each
def test_what_is_known_from_an_earlier_load_is_not_measured_again(tiny: Path, build: str) -> None:
    way = Setting(build, 512, flash=False)
    known = Pace(way, 1, 1, 123.0, 456.0)
    shares: list[float] = []
    engine = open_engine(spec(tiny, way, trusted=0, pace=known), lambda share: shares.append(share) is None)
    assert engine.info.pace == known
    assert (engine.info.threads, engine.info.prompt_threads) == (1, 1)
    engine.close()


@each
def test_a_number_of_threads_that_was_said_is_kept(tiny: Path, build: str) -> None:
    engine = open_engine(spec(tiny, Setting(build, 512, flash=False), threads=1), lambda _: True)
    assert engine.info.threads == 1
    engine.close()


@each
def test_calibrating_can_be_cancelled(tiny: Path, build: str) -> None:
    """Everything is loaded when the wish to cancel comes."""
    ways = (Setting(build, 512, flash=True), Setting(build, 512, flash=False))
    reached: list[float] = []

    def cancel_when_it_stands_still(share: float) -> bool:
        stands = bool(reached) and share > 0 and share == reached[-1]
        reached.append(share)
        return not stands

    with pytest.raises(Cancelled):
        open_engine(spec(tiny, *ways), cancel_when_it_stands_still)


@pytest.mark.skipif(not importlib.util.find_spec("ik_llama_cpp"), reason="no ik build")
def test_a_wrong_way_is_never_taken_however_fast(tmp_path: Path) -> None:
    model, blocks = TinyLlama(Shape(width=576)).in_type("Q4_1", quantize)
    path = model.write(tmp_path / "odd.gguf", "Q4_1", blocks)
    engine = open_engine(spec(path, SMALL, PLAIN), lambda _: True)
    assert engine.info.setting == SMALL and engine.info.notes == ()
    engine.close()
