"""Positions and cache types in both libraries: exact where NumPy can say so, and allowed where they are right."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from samovar.core.engine import Engine, LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.core.rope import KV_TYPES, OWN_ROPE, PLAIN_CACHE, CacheTypes, KvType, Rope
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.llama.context import Context
from samovar.engines.llama.engine import LlamaEngine
from samovar.engines.llama.faults import cache_refusal, first_wrong_batch
from samovar.engines.registry import open_engine
from tests.conformance.engine_suite import feed, log_probs, story
from tests.support.tiny_llama import TinyLlama

ROOT = Path(__file__).parents[2]
INSTALLED = {build for build, (module, _) in PACKAGES.items() if importlib.util.find_spec(module)}
each = pytest.mark.parametrize(
    "build",
    [
        pytest.param(
            build,
            marks=pytest.mark.skipif(
                build not in INSTALLED, reason=f"the {build} build of libllama is not installed"
            ),
        )
        for build in PACKAGES
    ],
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def load(
    path: Path, build: str, *, cache: CacheTypes = PLAIN_CACHE, rope: Rope = OWN_ROPE, flash: bool = False
) -> Engine:
    spec = LoadSpec(
        engine="llama",
        path=str(path),
        window=512,
        cells=1024,
        parallel=1,
        settings=(Setting(build, 512, flash),),
        cache=cache,
        rope=rope,
    )
    return open_engine(spec, lambda _: True)


@each
def test_a_base_and_linear_scaling_are_what_numpy_computes(tiny: Path, build: str) -> None:
    tokens = story(1, 200)
    for rope, wanted in (
        (Rope(freq_base=40_000.0), TinyLlama().logits(tokens, base=40_000.0)),
        (Rope(scaling="linear", freq_scale=0.25), TinyLlama().logits(tokens, scale=0.25)),
        (Rope(scaling="none"), TinyLlama().logits(tokens)),
    ):
        engine = load(tiny, build, rope=rope)
        assert float(np.abs(feed(engine, 0, tokens) - log_probs(wanted)).max()) <= 2e-2
        engine.close()


@pytest.mark.skipif(len(INSTALLED) < 2, reason="comparing needs both builds of libllama")
def test_yarn_is_the_same_in_both_libraries(tiny: Path) -> None:
    rope = Rope(scaling="yarn", freq_scale=0.25, yarn_orig_ctx=64, yarn_beta_fast=16.0)
    found = [feed(load(tiny, build, rope=rope), 0, story(2, 200)) for build in ("ik", "mainline")]
    assert float(np.abs(found[0] - found[1]).max()) <= 2e-2
    assert float(np.abs(found[0] - feed(load(tiny, "ik"), 0, story(2, 200))).max()) > 0.1


@each
@pytest.mark.parametrize("cache", [CacheTypes("q8_0", "q8_0"), CacheTypes("q8_0", "q4_0")])
def test_a_quantised_cache_is_smaller_and_still_near(tiny: Path, build: str, cache: CacheTypes) -> None:
    tokens, sizes, found = story(3, 200), [], []
    for kept in (PLAIN_CACHE, cache):
        engine = load(tiny, build, cache=kept, flash=True)
        found.append(feed(engine, 0, tokens))
        sizes.append(len(engine.export(0)))
        engine.close()
    exact, near = found
    assert sizes[1] < 0.6 * sizes[0]
    assert float((np.exp(exact) * (exact - near)).sum(axis=1).mean()) < 0.05


@each
def test_a_blob_fits_only_the_same_types_and_positions(tiny: Path, build: str) -> None:
    first = load(tiny, build)
    feed(first, 0, story(4, 20))
    blob = first.export(0)
    for other in (load(tiny, build, cache=CacheTypes("q8_0")), load(tiny, build, rope=Rope(freq_base=40_000.0))):
        assert other.info.cache_id != first.info.cache_id
        with pytest.raises(EngineFailed, match="another model"):
            other.restore(0, blob)


@each
@pytest.mark.parametrize("flash", [True, False], ids=["flash", "plain"])
@pytest.mark.parametrize("keys", KV_TYPES)
def test_what_the_table_allows_computes_and_what_it_refuses_does_not(
    tiny: Path, build: str, flash: bool, keys: KvType
) -> None:
    for cache in (CacheTypes(keys, keys), CacheTypes(keys, "f16")):
        refused = cache_refusal(Setting(build, 512, flash), cache)
        wrong = first_wrong_batch(build, keys.upper(), TinyLlama().shape.head)
        assert computes(tiny, build, cache, flash=flash) == (refused is None and wrong is None)


def computes(path: Path, build: str, cache: CacheTypes, *, flash: bool) -> bool:
    """Whether it loads, passes the self-check and decodes; in a process of its own, which may end by it."""
    work = (
        "import sys; from pathlib import Path; from samovar.core.rope import CacheTypes;"
        "from tests.engines.test_llama_context import load; from tests.conformance.engine_suite import feed, story;"
        "path, build, keys, values, flash = sys.argv[1:];"
        "engine = load(Path(path), build, cache=CacheTypes(keys, values), flash=flash == 'True');"
        "feed(engine, 0, story(5, 40)); feed(engine, 0, story(6, 1), 40)"
    )
    child = subprocess.run(
        [sys.executable, "-c", work, str(path), build, cache.keys, cache.values, str(flash)],
        cwd=ROOT,
        # A library that aborts would start a debugger to show where.
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        check=False,
    )
    return child.returncode == 0


@pytest.mark.skipif("ik" not in INSTALLED, reason="the ik build of libllama is not installed")
@pytest.mark.parametrize("keys", ["f16", "q8_0"])
def test_a_slide_leaves_the_cells_in_the_order_of_their_positions(tiny: Path, keys: KvType) -> None:
    """With flash attention the library looks for the tokens of a sliding window in the last cells."""
    engine = load(tiny, "ik", cache=CacheTypes(keys), flash=True)
    feed(engine, 0, story(6, 200))
    engine.remove(0, 10, 60)
    engine.shift(0, 60, 200, -50)
    feed(engine, 0, story(7, 5), 150)
    assert places(engine) == list(range(155))
    engine.close()


def places(engine: Engine) -> list[int]:
    """The positions of the used cells of `ik`, cell by cell."""
    assert isinstance(engine, LlamaEngine) and isinstance(engine._context, Context)
    binding, handle = engine._context._binding, engine._context._handle
    assert isinstance(binding, importlib.import_module("samovar.engines.llama.ik").IkBinding)
    view = binding._new_view(handle, 1)
    binding._fill_view(handle, view)
    found = list((ctypes.c_int32 * view.n_cells).from_address(view.cells))
    binding._free_view(view)
    return found[: view.used_cells]
