"""Hidden states behind the last layer: as computed without any library, the same from both builds, memory given
back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from samovar.core.engine import Build, Engine, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context
from samovar.hub.starter import starter_file
from tests.conformance.engine_suite import story
from tests.engines.test_llama import both, each, load
from tests.support.tiny_llama import Cache, TinyLlama

TEXTS = ("The samovar hummed on the table.", "За окном с утра шёл снег, и никто не спешил.", "def add(a, b):")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def engine(path: Path, build: Build) -> Iterator[Engine]:
    engine = load(path, Setting(build, 512, flash=False))
    yield engine
    engine.close()


@each
def test_states_are_those_of_an_independent_computation(engine: Engine) -> None:
    tokens = story(1, 50)
    expected, _ = TinyLlama().hidden(tokens, range(50), Cache())
    assert np.abs(engine.embed(tokens, length=50) - expected).max() < 5e-3


@each
def test_a_longer_text_gets_a_larger_cache_up_to_the_window(
    path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = Context.__init__

    def note(self: Context, *options: object) -> None:
        make(self, *options)
        made.append(self.cells)

    engine = load(path, Setting(build, 512, flash=False), trusted=0)
    monkeypatch.setattr(Context, "__init__", note)
    engine.embed(story(2, 30), length=30)
    engine.embed(story(3, 40), length=512)
    assert made == [512]
    with pytest.raises(EngineFailed, match="512"):
        engine.embed(story(4, 40), length=513)
    engine.end_embedding()
    engine.embed(story(2, 30), length=30)
    assert made == [512, 512]
    engine.close()


@both
def test_both_builds_agree_about_the_starter_model() -> None:
    found: list[list[npt.NDArray[np.float64]]] = []
    for setting in (Setting("ik", 31, flash=True, apart=True), Setting("mainline", 512, flash=True)):
        engine = load(starter_file(), setting, trusted=0)
        ids = [engine.tokenize(text, special=False, bos=True) for text in TEXTS]
        found.append([engine.embed(tokens, length=len(tokens)).mean(axis=0, dtype=np.float64) for tokens in ids])
        engine.close()
    for one, other in zip(*found, strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.999
