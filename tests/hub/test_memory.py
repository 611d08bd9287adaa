"""The planner's arithmetic: exact for the cache, as many cells as fit, refusals with the numbers that help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidParameter, NotEnoughMemory
from samovar.core.rope import CacheTypes, KvType
from samovar.formats.gguf import read_header
from samovar.formats.shape import ModelShape, model_shape
from samovar.hub.available import available_memory, group_headrooms
from samovar.hub.memory import CELL_STEP, SMALLEST_WINDOW, Demand, plan_memory
from samovar.hub.starter import starter_file

GIB = 1 << 30
MIB = 1 << 20


def starter() -> Demand:
    header = read_header(starter_file())
    return Demand(model_shape(header), header.weight_bytes)


def test_the_starter_takes_what_llama_cpp_reserves_for_it() -> None:
    """llama.cpp logs 180 MiB of F16 cache for 8192 cells, compute buffers of 166 MiB (98 with flash attention)."""
    plan = plan_memory(replace(starter(), parallel=1), 4 * GIB)
    assert (plan.window, plan.cells, plan.kv) == (8192, 8192, 180 * MIB)
    assert 166 * MIB <= plan.compute <= 185 * MIB
    flash = plan_memory(replace(starter(), parallel=1, flash=True), 4 * GIB)
    assert 98 * MIB <= flash.compute <= 125 * MIB
    quantised = plan_memory(replace(starter(), parallel=1, cache=CacheTypes("q8_0", "q8_0")), 4 * GIB)
    assert quantised.kv == 180 * MIB * 34 // 64


@pytest.mark.parametrize(
    ("keys", "values", "bits"), [("q8_0", "q4_0", 13), ("q5_1", "f16", 22), ("f16", "q8_0", 24.5)]
)
def test_keys_and_values_are_counted_by_their_own_types(keys: KvType, values: KvType, bits: float) -> None:
    plan = plan_memory(replace(starter(), parallel=1, cache=CacheTypes(keys, values)), 4 * GIB)
    assert plan.kv == 180 * MIB * bits / 32


def test_heads_that_are_no_whole_blocks_keep_their_cache_exact() -> None:
    odd = replace(starter().shape, key_width=(80,) * 30, kv_heads=(1,) * 30)
    with pytest.raises(InvalidParameter, match="80 / 192"):
        plan_memory(Demand(odd, MIB, cache=CacheTypes("q8_0")), 4 * GIB)
    assert plan_memory(Demand(odd, MIB), 4 * GIB).kv_per_cell


def test_every_parallel_sequence_gets_its_window_where_memory_allows() -> None:
    roomy = plan_memory(starter(), 64 * GIB, window=2048)
    assert (roomy.window, roomy.cells, roomy.parallel) == (2048, 8192, 4)
    tight = plan_memory(starter(), roomy.total - 1, window=2048)
    assert tight.window == 2048 and 2048 <= tight.cells < 8192


def test_sequences_that_are_kept_apart_each_get_a_whole_window_or_none_does() -> None:
    apart = replace(starter(), flash=True, apart=True)
    roomy = plan_memory(apart, 64 * GIB, window=2000)
    assert (roomy.window, roomy.cells) == (2000, 4 * 2048)
    with pytest.raises(NotEnoughMemory, match="1,792"):
        plan_memory(apart, roomy.total - 1, window=2000)
    assert plan_memory(apart, roomy.total - 1).window < 2000


def test_without_a_wish_the_window_is_the_trained_context_or_what_fits() -> None:
    demand = starter()
    short = replace(demand, shape=replace(demand.shape, trained_context=1024))
    long = replace(demand, shape=replace(demand.shape, trained_context=131072))
    assert plan_memory(short, 64 * GIB).window == 1024
    assert plan_memory(long, 64 * GIB).window == 8192
    squeezed = plan_memory(demand, 450 * MIB)
    assert SMALLEST_WINDOW <= squeezed.window < 8192 and squeezed.cells == squeezed.window


def test_a_window_that_does_not_fit_is_refused_with_the_largest_that_does() -> None:
    with pytest.raises(NotEnoughMemory) as caught:
        plan_memory(starter(), 1 * GIB, window=100_000)
    largest = int(caught.value.facts["largest"])
    assert caught.value.key == "hub.memory_window" and caught.value.facts["available"] == 1024
    assert plan_memory(starter(), 1 * GIB, window=largest).window == largest
    with pytest.raises(NotEnoughMemory):
        plan_memory(starter(), 1 * GIB, window=largest + 1)


def test_a_model_that_does_not_fit_at_all_says_so() -> None:
    with pytest.raises(NotEnoughMemory) as caught:
        plan_memory(starter(), 200 * MIB)
    assert caught.value.key == "hub.memory_model"
    assert "{" not in caught.value.text("ru") + caught.value.text("en")


def test_numbers_out_of_range_are_refused() -> None:
    for demand, window in (
        (starter(), 0),
        (replace(starter(), parallel=0), 1),
        (replace(starter(), cache=CacheTypes("q3_k")), 1),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidParameter):
            plan_memory(demand, GIB, window)


HYBRID = ModelShape(
    architecture="lfm2",
    layers=2,
    embedding=1024,
    heads=(16, 16),
    kv_heads=(0, 8),
    key_width=(0, 512),
    value_width=(0, 512),
    state_width=(2048, 0),
    trained_context=4096,
    sliding_window=0,
    vocabulary=65536,
    chat_template=None,
)


def test_recurrent_layers_take_a_state_per_sequence_and_no_cells() -> None:
    plan = plan_memory(Demand(HYBRID, GIB, parallel=3), 64 * GIB)
    assert plan.kv_per_cell == (512 + 512) * 2
    assert plan.state == 2048 * 4 * 3


@given(
    available=st.integers(0, 1 << 36),
    window=st.none() | st.integers(1, 1 << 18),
    parallel=st.integers(1, 16),
    flash=st.booleans(),
    apart=st.booleans(),
)
def test_a_plan_fits_and_holds_a_window(
    available: int, window: int | None, parallel: int, flash: bool, apart: bool
) -> None:
    demand = Demand(HYBRID, 200 * MIB, parallel=parallel, flash=flash, apart=apart)
    try:
        plan = plan_memory(demand, available, window)
    except NotEnoughMemory:
        return
    assert plan.total <= available
    contexts = parallel if apart else 1
    assert plan.window * contexts <= plan.cells < plan.window * parallel + CELL_STEP * contexts
    assert window is None or plan.window == window


# What the machine has


def test_available_memory_is_a_part_of_this_machine() -> None:
    assert 0 < available_memory() < 1 << 50


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_tightest_group_around_the_process_counts(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    write(membership, "0::/user/app\n")
    write(root / "user/app/memory.max", "max\n")
    write(root / "user/app/memory.current", "500\n")
    write(root / "user/memory.max", "1000\n")
    write(root / "user/memory.current", "700\n")
    write(root / "user/memory.stat", "anon 300\nactive_file 150\ninactive_file 250\n")
    assert list(group_headrooms(root, membership)) == [700]


def test_version_1_groups_and_a_container_that_sees_only_its_root(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    write(membership, "5:cpu:/docker/abc\n4:memory:/docker/abc\n")
    write(root / "memory/memory.limit_in_bytes", "1000\n")
    write(root / "memory/memory.usage_in_bytes", "1200\n")
    assert list(group_headrooms(root, membership)) == [0]
    assert list(group_headrooms(root, tmp_path / "absent")) == []
