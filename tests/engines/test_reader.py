"""Models that read and do not write: states as computed without any library, words as BERT takes them, whole texts
only, and no library that computes them otherwise together than alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Batch, Build, Engine, LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context
from samovar.engines.llama.folding import Folding
from samovar.engines.llama.ladder import settings_for_texts
from samovar.engines.registry import open_engine
from tests.engines.test_ladder import MODERN
from tests.engines.test_llama import both, each
from tests.support import minilm
from tests.support.tiny_bert import Bert

if TYPE_CHECKING:
    from samovar.core.engine import Logits

WINDOW = 128


def load(path: Path, *settings: Setting, trusted: int | None = None) -> Engine:
    spec = LoadSpec(
        engine="llama",
        path=str(path),
        window=WINDOW,
        cells=WINDOW,
        parallel=1,
        settings=settings,
        trusted=trusted,
    )
    return open_engine(spec, lambda _: True)


def ways(build: Build) -> tuple[Setting, ...]:
    return tuple(Setting(build, WINDOW, flash) for flash in ((True, False) if build == "mainline" else (False,)))


def framed(engine: Engine, text: str) -> list[int]:
    """The tokens of a text as it is embedded."""
    info = engine.info
    assert info.adds_bos
    assert info.adds_eos
    assert info.eos_token is not None
    return [*engine.tokenize(text, special=False, bos=True), info.eos_token]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Bert.random().write(tmp_path_factory.mktemp("bert") / "tiny.gguf")


@pytest.fixture
def engine(path: Path, build: Build) -> Iterator[Engine]:
    engine = load(path, *ways(build))
    yield engine
    engine.close()


@each
def test_states_are_those_of_an_independent_computation(path: Path, build: Build) -> None:
    for way in ways(build):
        engine = load(path, way)
        for text in ("tea", "The samovar is hot, and warm the snow.", "tea " * 120):
            tokens = framed(engine, text)
            found = engine.embed(tokens, length=len(tokens))
            assert np.abs(found - Bert.random().hidden(tokens)).max() < 5e-3
        engine.close()


@each
@minilm.installed
def test_a_real_model_gives_the_vectors_that_it_gives_without_a_library(build: Build, tmp_path: Path) -> None:
    model = minilm.minilm()
    engine = load(model.write(tmp_path / "minilm.gguf"), *ways(build))
    for text in ("The tea is hot.", "За окном шёл снег, и чай остывал.", "def add(a, b): return a + b"):
        tokens = framed(engine, text)
        mean = engine.embed(tokens, length=len(tokens)).mean(axis=0)
        assert mean @ model.vector(tokens) / np.linalg.norm(mean) > 0.99999
    engine.close()


@each
@minilm.installed
def test_words_are_small_and_without_accents(build: Build, tmp_path: Path) -> None:
    """The ids are those of Hugging Face's tokenizer for this model."""
    engine = load(minilm.minilm().write(tmp_path / "minilm.gguf"), *ways(build))
    expected = {
        "The TEA is hot": [1996, 5572, 2003, 2980],
        "Émile café": [17127, 7668],
        "e\N{COMBINING ACUTE ACCENT}": [1041],
        "Ёлка": [1185, 29436, 28598],
        "naïve ÅÄÖ": [15743, 9779, 2080],
        "ΟΔΟΣ": [1169, 29722, 29730, 29733],
    }
    for text, tokens in expected.items():
        assert engine.tokenize(text, special=False) == tokens
    engine.close()


@both
@minilm.installed
def test_both_builds_read_texts_alike(tmp_path: Path) -> None:
    path = minilm.minilm().write(tmp_path / "minilm.gguf")
    one, other = (load(path, *ways(build)) for build in ("ik", "mainline"))
    letters = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), max_codepoint=0x24FF)

    @given(st.text(letters, max_size=40))
    def alike(text: str) -> None:
        assert one.tokenize(text, special=False) == other.tokenize(text, special=False)

    alike()
    one.close()
    other.close()


@each
def test_no_part_of_a_text_is_computed_alone(engine: Engine) -> None:
    tokens = framed(engine, "the tea is hot")
    with pytest.raises(EngineFailed, match="whole"):
        engine.embed(tokens[:2], length=len(tokens))
    with pytest.raises(EngineFailed):
        engine.embed([5] * (WINDOW + 1), length=WINDOW + 1)
    assert len(engine.embed(tokens, length=len(tokens))) == len(tokens)


@each
def test_it_says_that_it_does_not_write(engine: Engine) -> None:
    able = engine.info.capabilities
    assert (able.can_embed, able.can_write, able.can_copy, able.can_export) == (True, False, False, False)
    for impossible in (
        lambda: engine.decode(Batch([5], [0], [0], [True])),
        lambda: engine.copy(0, 0, 1),
        lambda: engine.shift(0, 0, 1, 1),
        lambda: engine.export(0),
        lambda: engine.restore(0, b""),
    ):
        with pytest.raises(EngineFailed, match="bert"):
            impossible()
    assert engine.remove(0, 0)
    assert b"".join(map(engine.piece, engine.tokenize("tea", special=False))).strip() == b"tea"


@each
def test_a_library_that_computes_texts_otherwise_together_is_not_trusted(
    path: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = Context.decode

    def faulty(self: Context, batch: Batch) -> Logits:
        rows = decode(self, batch).copy()
        if len(rows) >= 32:
            rows[:, ::3] *= 1.5
        return rows

    monkeypatch.setattr(Context, "decode", faulty)
    with pytest.raises(EngineFailed, match="alone and together"):
        load(path, *ways(build))
    load(path, *ways(build), trusted=0).close()


@each
def test_what_ranks_texts_is_refused(build: Build, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="ranks"):
        load(Bert.random().write(tmp_path / "ranks.gguf", pooling=4), *ways(build))


def test_every_text_is_one_batch_in_a_build_that_gets_such_batches_right() -> None:
    builds: tuple[Build, ...] = ("ik", "mainline")
    found = settings_for_texts(builds=builds, cpu=MODERN, longest=512, tensors={("F16", 384)})
    assert [way.build for way in found] == ["ik", "mainline", "mainline"]
    assert {way.micro_batch for way in found} == {512}
    wrong_in_ik = settings_for_texts(builds=builds, cpu=MODERN, longest=512, tensors={("Q4_1", 576)})
    assert {way.build for way in wrong_in_ik} == {"mainline"}


@given(st.text(max_size=60))
def test_what_is_folded_stays_so(text: str) -> None:
    assert Folding()(Folding()(text)) == Folding()(text)
    assert Folding(lowercase=False, strip_accents=False)(text) == text
