"""The ways to compute a model, fastest first, that are worth trying here. Pure: told all that it judges by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from samovar.core.engine import Build, Setting
from samovar.core.errors import InvalidInput, Missing
from samovar.core.rope import PLAIN_CACHE, CacheTypes
from samovar.engines.llama.cpu import Cpu
from samovar.engines.llama.faults import cache_refusal, first_wrong_batch, source_of
from samovar.engines.llama.repacking import with_repacked

Preference = Literal["auto", "ik", "mainline"]

FULL: Mapping[Build, int] = MappingProxyType({"ik-native": 512, "ik": 256, "mainline": 512})
"""The micro-batch with which each build reads prompts fastest. In 512 tokens `ik` attends to more that the mask
takes away again: 256 are 1.04 times as fast on AVX2."""
SMALL = 24
"""The fastest below `ik`'s kernels for 32 tokens and more: whole tiles of its attention, 1.1 times as fast as
31."""

_IK: tuple[Build, ...] = ("ik-native", "ik")
_MAINLINE = tuple(Setting("mainline", FULL["mainline"], flash) for flash in (True, False))
ALONE: tuple[Setting, ...] = (
    *(
        Setting(build, size, flash)
        for build in _IK
        for size, flash in ((FULL[build], True), (SMALL, True), (SMALL, False))
    ),
    *_MAINLINE,
)
"""For one sequence."""
SEVERAL: tuple[Setting, ...] = (
    *(
        setting
        for build in _IK
        for setting in (
            *(Setting(build, size, flash, apart=True) for flash in (True, False) for size in (FULL[build], SMALL)),
            *(Setting(build, size, False) for size in (FULL[build], SMALL)),
        )
    ),
    *_MAINLINE,
)
"""In one context, `ik` with flash attention ends the process as soon as a second sequence is in the cache, and each
token attends to the cells of all sequences: eight prompts of 430 tokens take twice as long as apart."""

WHOLE: tuple[tuple[Build, bool], ...] = (
    *((build, False) for build in _IK),
    ("mainline", True),
    ("mainline", False),
)
"""Builds for texts that are read whole, and whether with flash attention."""

UNQUANTISED = frozenset({"F32", "F16", "BF16"})
"""Types that are computed alike whatever else is in the batch. A model of these gives the same text whatever runs
beside it, which flash attention for those who are not gathered, and none for those who are, would undo."""

MOST_APART = 16
"""`ik` has room for 64 allocators in a process, of which each context takes two: the 32nd ends the process."""


def settings(
    *,
    builds: Collection[Build],
    cpu: Cpu,
    parallel: int,
    tensors: Collection[tuple[str, int]] = (),
    preference: Preference = "auto",
    cache: CacheTypes = PLAIN_CACHE,
    repack: bool = False,
) -> tuple[Setting, ...]:
    """The rungs to try, in order. `tensors`: (GGML type name, row width) of the model's matrices. `repack`: the
    model gains by interleaved rows (`repacking`).

    `preference` "ik" means both builds of that source. Raises Missing where none is left: the wanted build is not
    installed, the processor cannot run it, or it is known to compute this model wrongly.
    Raises InvalidInput where no way has a cache of these types.
    """
    wanted = _wanted(builds, cpu, preference)
    rungs = [rung for rung in (ALONE if parallel == 1 else SEVERAL) if rung.build in wanted]
    if cache.values == "f16" and tensors and all(type in UNQUANTISED for type, _ in tensors):
        rungs = [rung for rung in rungs if not (rung.apart and rung.flash)]
    if parallel > MOST_APART:
        rungs = [rung for rung in rungs if not rung.apart]
    if repack:
        rungs = with_repacked(rungs)
    return _with_cache(_those_right(rungs, builds, tensors), cache)


def settings_for_texts(
    *,
    builds: Collection[Build],
    cpu: Cpu,
    longest: int,
    tensors: Collection[tuple[str, int]] = (),
    preference: Preference = "auto",
) -> tuple[Setting, ...]:
    """As `settings`, for a model that reads whole texts, of up to `longest` tokens, and does not write."""
    wanted = _wanted(builds, cpu, preference)
    rungs = [Setting(build, longest, flash) for build, flash in WHOLE if build in wanted]
    return _those_right(rungs, builds, tensors)


def _wanted(builds: Collection[Build], cpu: Cpu, preference: Preference) -> set[Build]:
    usable = {build for build in builds if source_of(build) != "ik" or cpu.runs_ik}
    wanted = {build for build in usable if preference in ("auto", source_of(build))}
    if not wanted:
        key = "engines.cpu_without_avx2" if set(builds) - usable else "engines.no_build"
        raise Missing(key, preference=preference, installed=", ".join(sorted(builds)) or "–")
    return wanted


def _those_right(
    rungs: Sequence[Setting], builds: Collection[Build], tensors: Collection[tuple[str, int]]
) -> tuple[Setting, ...]:
    right = tuple(rung for rung in rungs if _right(rung, tensors))
    if not right:
        tried = ", ".join(sorted({rung.build for rung in rungs}))
        raise Missing("engines.known_wrong", builds=tried, installed=", ".join(sorted(builds)))
    return right


def _with_cache(rungs: tuple[Setting, ...], cache: CacheTypes) -> tuple[Setting, ...]:
    """Those of `rungs` that can have such a cache."""
    reasons = {rung: cache_refusal(rung, cache) for rung in rungs}
    fitting = tuple(rung for rung, reason in reasons.items() if reason is None)
    if fitting:
        return fitting
    # A way with flash attention that lacks the type says more than one without it.
    key = next(reason for rung, reason in sorted(reasons.items(), key=lambda of: not of[0].flash) if reason)
    builds = ", ".join(sorted({rung.build for rung in rungs}))
    raise InvalidInput(key, keys=cache.keys, values=cache.values, builds=builds)


def _right(rung: Setting, tensors: Collection[tuple[str, int]]) -> bool:
    """No tensor of the model is known to come out wrong in batches of this size."""
    wrong = (first_wrong_batch(rung.build, type, width) for type, width in tensors)
    return all(batch is None or rung.micro_batch < batch for batch in wrong)
