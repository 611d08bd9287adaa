"""The engines that keep the engine contract."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from samovar.core.engine import Batch, Engine, LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.core.rope import PLAIN_CACHE, QUICK_CACHE, CacheTypes
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.registry import open_engine
from tests.conformance.embedding_suite import EmbeddingSuite
from tests.conformance.engine_suite import PARALLEL
from tests.support.gathering import gathering_always
from tests.support.tiny_llama import TinyLlama


def needs(build: str) -> pytest.MarkDecorator:
    missing = not importlib.util.find_spec(PACKAGES[build][0])  # type: ignore[index]
    return pytest.mark.skipif(missing, reason=f"the {build} build of libllama is not installed")


def spec(engine: str, path: str, *settings: Setting, cache: CacheTypes = PLAIN_CACHE) -> LoadSpec:
    return LoadSpec(
        engine=engine, path=path, window=900, cells=1024, parallel=PARALLEL, settings=settings, cache=cache
    )


class TestEcho(EmbeddingSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> Iterator[Engine]:
        yield open_engine(spec("echo", "echo:"), lambda _: True)

    reference = engine


class LlamaSuite(EmbeddingSuite):
    """On a random F32 model, whose only error is that of 16-bit keys and values."""

    setting: Setting
    cache = PLAIN_CACHE
    tolerance = 5e-3

    @pytest.fixture(scope="class")
    @classmethod
    def path(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, path: Path) -> Iterator[Engine]:
        engine = open_engine(spec("llama", str(path), cls.setting, cache=cls.cache), lambda _: True)
        yield engine
        engine.close()

    reference = engine

    def test_after_closing_it_refuses_and_lives(self, path: Path) -> None:
        engine = open_engine(spec("llama", str(path), self.setting), lambda _: True)
        engine.close()
        engine.close()
        with pytest.raises(EngineFailed):
            engine.decode(Batch([5], [0], [0], [True]))


@needs("ik")
class TestIk(LlamaSuite):
    setting = Setting("ik", 512, False)


@needs("ik")
class TestIkSmallBatches(LlamaSuite):
    setting = Setting("ik", 31, False)


@needs("ik")
class TestIkWithKeysInBlocks(LlamaSuite):
    setting = Setting("ik", 512, False)
    cache = QUICK_CACHE
    tolerance = 2e-2


@needs("ik")
class TestIkApart(LlamaSuite):
    setting = Setting("ik", 512, True, apart=True)
    tolerance = 2e-2


@needs("ik")
class TestIkApartInSmallBatches(LlamaSuite):
    setting = Setting("ik", 31, False, apart=True)


class GatheredSuite(LlamaSuite):
    """Sequences apart that are gathered whenever several draw at once."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, path: Path) -> Iterator[Engine]:
        one = spec("llama", str(path), cls.setting, cache=cls.cache)
        gathered = msgspec.structs.replace(one, gathered=PARALLEL * one.cells)
        engine = gathering_always(open_engine(gathered, lambda _: True))
        yield engine
        engine.close()

    reference = engine


@needs("ik")
class TestIkGathered(GatheredSuite):
    setting = Setting("ik", 512, False, apart=True)


@needs("ik")
class TestIkGatheredOutOfFlashAttention(GatheredSuite):
    setting = Setting("ik", 512, True, apart=True)
    tolerance = 2e-2


@needs("ik")
class TestIkGatheredWithKeysInBlocks(GatheredSuite):
    setting = Setting("ik", 512, True, apart=True)
    cache = QUICK_CACHE
    tolerance = 2e-2


@needs("mainline")
class TestMainline(LlamaSuite):
    setting = Setting("mainline", 512, False)


@needs("mainline")
class TestMainlineFlash(LlamaSuite):
    setting = Setting("mainline", 512, True)
    tolerance = 2e-2
