"""The tables of what a build is known to compute wrongly or not at all. Tests hold them to the truth, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.core.engine import Build, Setting
from samovar.core.rope import CacheTypes, KvType


class Fault(msgspec.Struct, frozen=True):
    """`build` gives wrong products with rows of GGML type `type` whose width is no multiple of `multiple`, as soon
    as a batch has `batch` tokens."""

    build: Build
    type: str
    multiple: int
    batch: int


FAULTS: tuple[Fault, ...] = (
    Fault("ik", "Q4_1", 128, 32),
    Fault("ik", "Q5_1", 128, 32),
)
"""Seen at every width tried that is no multiple of four blocks of 32 (544 … 1600, among them 576 and 960, the
widths of two SmolLM2 models) and at none that is: divergence 0.2 to 0.8 nat against 0.0003. The keys of a KV cache
are such a matrix too, as wide as a head. What is compiled here is repaired before (`compiling.repairs`)."""


def source_of(build: str) -> str:
    """The build whose source `build` was compiled from: what is wrong is wrong on every instruction set."""
    return "ik" if build == "ik-native" else build


NOT_IN_FLASH: Mapping[str, frozenset[KvType]] = MappingProxyType({"ik": frozenset({"q5_1"})})
"""KV types, of keys or of values, for which a build's flash attention has no kernel: it ends the process."""


def cache_refusal(way: Setting, cache: CacheTypes) -> str | None:
    """Why `way` cannot be computed with such a cache: a catalogue key; None where it can."""
    if way.flash:
        lacking = NOT_IN_FLASH.get(source_of(way.build), frozenset())
        return "engines.cache_not_in_flash" if {cache.keys, cache.values} & lacking else None
    # Without it values lie transposed, so that a block of a quantised type would hold one element of many tokens.
    return None if cache.values == "f16" else "engines.cache_needs_flash"


def first_wrong_batch(build: str, type: str, width: int) -> int | None:
    """The smallest batch that `build` gets wrong for such rows; None where it gets all right."""
    found = (f.batch for f in FAULTS if f.build == build and f.type == type and width % f.multiple)
    return min(found, default=None)
