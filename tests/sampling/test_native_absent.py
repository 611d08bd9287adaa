"""Without the kernel everything works: numpy serves."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from samovar.core.parameters import SamplingParams
from samovar.sampling import Lexicon, Sampler
from samovar.sampling.chain import Chain
from samovar.sampling.native import compiled, native_steps


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "samovar_kernel", None)
    native_steps.cache_clear()
    yield
    native_steps.cache_clear()


def test_no_chain_is_compiled() -> None:
    assert native_steps() == frozenset()
    assert compiled(Chain(SamplingParams()), Lexicon(3)) is None


def test_tokens_are_drawn() -> None:
    row = np.array([0, 20, 0], dtype=np.float32)
    assert Sampler(SamplingParams(seed=1), Lexicon(3)).draw(row) == 1
