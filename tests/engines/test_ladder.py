"""Which ways to compute are tried, and in what order."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from samovar.core.engine import Setting
from samovar.core.errors import InvalidInput, Missing
from samovar.core.rope import KV_TYPES, CacheTypes, KvType
from samovar.engines.llama.builds import installed, version_of
from samovar.engines.llama.cpu import Cpu, parse_cpuinfo, read_cpu
from samovar.engines.llama.faults import cache_refusal, first_wrong_batch
from samovar.engines.llama.ladder import MOST_APART, SMALL, Preference, settings
from samovar.engines.llama.repacking import gains_by_repacking

MODERN = Cpu("x86_64", frozenset({"sse4_2", "avx", "avx2", "fma"}), 8)
OLD = Cpu("x86_64", frozenset({"sse4_2", "avx"}), 4)
ARM = Cpu("aarch64", frozenset({"asimd"}), 8)
BOTH = ("ik", "mainline")


def test_one_sequence_starts_with_the_fastest_and_ends_with_the_safest() -> None:
    assert settings(builds=BOTH, cpu=MODERN, parallel=1) == (
        Setting("ik", 256, True),
        Setting("ik", SMALL, True),
        Setting("ik", SMALL, False),
        Setting("mainline", 512, True),
        Setting("mainline", 512, False),
    )


def test_several_sequences_meet_flash_attention_on_ik_only_where_each_has_a_context_of_its_own() -> None:
    rungs = settings(builds=BOTH, cpu=MODERN, parallel=2)
    assert rungs[0] == Setting("ik", 256, True, apart=True)
    assert not any(rung.build == "ik" and rung.flash and not rung.apart for rung in rungs)
    assert Setting("ik", 256, False) in rungs


def test_more_sequences_than_a_process_has_contexts_for_share_one() -> None:
    assert settings(builds=BOTH, cpu=MODERN, parallel=MOST_APART)[0].apart
    assert not any(rung.apart for rung in settings(builds=BOTH, cpu=MODERN, parallel=MOST_APART + 1))


def test_a_model_that_is_not_quantised_is_computed_in_one_way_whoever_runs_beside_it() -> None:
    exact = {("F16", 64), ("F32", 576)}
    assert settings(builds=BOTH, cpu=MODERN, parallel=4, tensors=exact)[0] == Setting("ik", 256, False, apart=True)
    quantised = settings(builds=BOTH, cpu=MODERN, parallel=4, tensors=exact, cache=CacheTypes("q8_0", "q8_0"))
    assert quantised[0] == Setting("ik", 256, True, apart=True)


@pytest.mark.parametrize("width", [576, 960])
@pytest.mark.parametrize("type", ["Q4_1", "Q5_1"])
def test_a_tensor_that_ik_gets_wrong_in_large_batches_starts_with_small_ones(type: str, width: int) -> None:
    rungs = settings(builds=BOTH, cpu=MODERN, parallel=8, tensors={(type, width), ("F32", 576)})
    assert rungs[0] == Setting("ik", SMALL, True, apart=True)


@pytest.mark.parametrize("tensor", [("Q4_1", 640), ("Q8_0", 576), ("Q4_K", 2048)])
def test_other_tensors_start_with_large_batches(tensor: tuple[str, int]) -> None:
    assert settings(builds=BOTH, cpu=MODERN, parallel=1, tensors={tensor})[0].micro_batch == 256


def test_a_processor_without_avx2_never_gets_ik() -> None:
    assert {rung.build for rung in settings(builds=BOTH, cpu=OLD, parallel=1)} == {"mainline"}
    with pytest.raises(Missing, match="AVX2"):
        settings(builds=("ik",), cpu=OLD, parallel=1)
    with pytest.raises(Missing, match="AVX2"):
        settings(builds=BOTH, cpu=OLD, parallel=1, preference="ik")


def test_arm_needs_no_avx2() -> None:
    assert settings(builds=("ik",), cpu=ARM, parallel=1)[0].build == "ik"


def test_a_build_that_is_asked_for_and_not_there_is_missing() -> None:
    with pytest.raises(Missing, match="mainline"):
        settings(builds=("ik",), cpu=MODERN, parallel=1, preference="mainline")
    with pytest.raises(Missing):
        settings(builds=(), cpu=MODERN, parallel=1)


def test_quantised_values_are_kept_only_where_there_is_flash_attention() -> None:
    several = settings(builds=BOTH, cpu=MODERN, parallel=4, cache=CacheTypes("f16", "q8_0"))
    assert several[0] == Setting("ik", 256, True, apart=True) and all(rung.flash for rung in several)
    alone = settings(builds=BOTH, cpu=MODERN, parallel=1, cache=CacheTypes("q8_0", "q8_0"))
    assert alone[0] == Setting("ik", 256, True) and all(rung.flash for rung in alone)


def test_quantised_keys_do_without_it() -> None:
    assert settings(builds=BOTH, cpu=MODERN, parallel=4, cache=CacheTypes("q4_0"))[-1] == Setting(
        "mainline", 512, False
    )


def test_ik_has_no_flash_attention_over_q5_1() -> None:
    rungs = settings(builds=BOTH, cpu=MODERN, parallel=1, cache=CacheTypes("q5_1"))
    assert rungs[0] == Setting("ik", SMALL, False)
    assert not any(rung.build == "ik" and rung.flash for rung in rungs)


@pytest.mark.parametrize(("parallel", "cache"), [(4, CacheTypes("f16", "q5_1")), (1, CacheTypes("q5_1", "q5_1"))])
def test_a_cache_that_no_library_here_can_have_is_refused_with_the_reason(parallel: int, cache: CacheTypes) -> None:
    with pytest.raises(InvalidInput, match="q8_0 or q4_0"):
        settings(builds=("ik",), cpu=MODERN, parallel=parallel, cache=cache)


@given(
    builds=st.sets(st.sampled_from(BOTH), min_size=1),
    avx2=st.booleans(),
    parallel=st.integers(1, 16),
    tensors=st.sets(
        st.tuples(st.sampled_from(["F32", "Q4_1", "Q5_1", "Q8_0"]), st.sampled_from([576, 960, 1024])), max_size=4
    ),
    preference=st.sampled_from(["auto", "ik", "mainline"]),
    keys=st.sampled_from(KV_TYPES),
    values=st.sampled_from(KV_TYPES),
)
def test_no_rung_is_known_to_be_wrong_or_fatal(
    builds: set[str],
    avx2: bool,
    parallel: int,
    tensors: set[tuple[str, int]],
    preference: Preference,
    keys: KvType,
    values: KvType,
) -> None:
    cache = CacheTypes(keys, values)
    try:
        rungs = settings(
            builds=builds,  # type: ignore[arg-type]
            cpu=MODERN if avx2 else OLD,
            parallel=parallel,
            tensors=tensors,
            preference=preference,
            cache=cache,
        )
    except (Missing, InvalidInput):
        return
    assert rungs and len(set(rungs)) == len(rungs)
    for rung in rungs:
        assert rung.build in builds and preference in ("auto", rung.build)
        assert cache_refusal(rung, cache) is None
        assert rung.build != "ik" or (avx2 and not (rung.flash and parallel > 1 and not rung.apart))
        for type, width in tensors:
            first = first_wrong_batch(rung.build, type, width)
            assert first is None or rung.micro_batch < first


def test_flags_are_read_from_either_spelling() -> None:
    assert parse_cpuinfo("processor\t: 0\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\n") == {"fpu", "avx2", "fma"}
    assert parse_cpuinfo("BogoMIPS\t: 50\nFeatures\t: fp asimd\n") == {"fp", "asimd"}
    assert parse_cpuinfo("") == frozenset()


def test_this_processor_is_read() -> None:
    cpu = read_cpu()
    assert cpu.cores >= 1 and cpu.machine


def test_an_absent_build_is_named() -> None:
    with pytest.raises(Missing, match="cuda"):
        version_of("cuda")
    assert all(found.version for found in installed())


def test_the_front_can_ask_without_numpy_ctypes_or_a_library() -> None:
    asking = (
        "import sys; from samovar.engines.llama import ladder, cpu, builds; builds.installed(); cpu.read_cpu();"
        "print(sorted({'numpy', 'ik_llama_cpp', 'llama_cpp', 'samovar.engines.llama.binding'} & set(sys.modules)))"
    )
    child = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_rows_are_interleaved_where_that_gains_and_the_file_s_own_are_the_next_rung() -> None:
    plain = settings(builds=BOTH, cpu=MODERN, parallel=4)
    rungs = settings(builds=BOTH, cpu=MODERN, parallel=4, repack=True)
    prebuilt = [rung for rung in plain if rung.build == "ik"]
    assert rungs == (*(replace(rung, repacked=True) for rung in prebuilt), *plain)


def test_what_was_compiled_here_comes_before_interleaved_rows_and_has_none() -> None:
    rungs = settings(builds=(*BOTH, "ik-native"), cpu=MODERN, parallel=1, repack=True)
    assert [
        rung.loading for rung in dict.fromkeys(replace(rung, micro_batch=0, flash=False) for rung in rungs)
    ] == [
        ("ik-native", False),
        ("ik", True),
        ("ik", False),
        ("mainline", False),
    ]


@pytest.mark.parametrize(
    ("types", "gains"),
    [
        ({"Q4_K", "Q6_K", "F32"}, True),
        ({"Q4_1"}, False),
        ({"F16", "F32"}, False),
        ({"Q4_K", "IQ3_S"}, False),
    ],
)
def test_only_models_of_types_that_gain_are_interleaved(types: set[str], gains: bool) -> None:
    assert gains_by_repacking(types) == gains
