"""What is planned for a model that only embeds: no KV cache, no more than it has learnt, no more than there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import NotEnoughMemory
from samovar.core.home import Home
from samovar.core.rope import Context
from samovar.core.settings import Settings
from samovar.engines.llama.builds import installed
from samovar.formats.gguf import read_header
from samovar.services.loading import LoadPlanner
from samovar.services.readers import plan_reader
from tests.support.tiny_bert import Bert

pytestmark = pytest.mark.skipif(not installed(), reason="no build of libllama is installed")

LEARNT, ENOUGH = 2048, 8 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return Bert.random(context=LEARNT).write(tmp_path / "models" / "bert.gguf")


def planned(path: Path, available: int, wanted: int | None) -> tuple[int, int]:
    """The longest text, and the bytes that are taken."""
    settings = Settings(home=Home(path.parent.parent))
    spec, taken = plan_reader(str(path), read_header(path), available, wanted, settings)
    assert {way.micro_batch for way in spec.settings} == {min(wanted or LEARNT, LEARNT)}
    assert not any(way.apart for way in spec.settings)
    return spec.window, taken


def test_a_text_may_be_as_long_as_the_model_has_learnt(path: Path) -> None:
    assert [planned(path, ENOUGH, wanted)[0] for wanted in (None, 100_000, 300)] == [LEARNT, LEARNT, 300]


def test_with_little_memory_texts_are_shorter(path: Path) -> None:
    whole = planned(path, ENOUGH, None)[1]
    window, taken = planned(path, whole - (10 << 20), None)
    assert 512 <= window < LEARNT
    assert taken <= whole - (10 << 20)
    with pytest.raises(NotEnoughMemory, match="At most"):
        planned(path, whole - (10 << 20), LEARNT)


def test_it_takes_neither_caches_nor_a_draft_model(path: Path) -> None:
    settings = Settings(home=Home(path.parent.parent), draft="echo", speculate="draft", kv_ram=1 << 30)
    planner = LoadPlanner(settings)
    spec = planner.plan(planner.find("bert"), Context(ctx=512), ENOUGH)
    assert (spec.draft, spec.kv_ram, spec.parallel, spec.window) == (None, 0, 1, 512)
    assert 0 < spec.memory < 1 << 30
