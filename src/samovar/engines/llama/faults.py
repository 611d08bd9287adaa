"""The one table of what a build is known to compute wrongly. The matrix test holds it to the truth, both ways."""

from __future__ import annotations

import msgspec

from samovar.core.engine import Build


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
widths of two SmolLM2 models) and at none that is: divergence 0.2 to 0.8 nat against 0.0003."""


def source_of(build: str) -> str:
    """The build whose source `build` was compiled from: what is wrong is wrong on every instruction set."""
    return "ik" if build == "ik-native" else build


def first_wrong_batch(build: str, type: str, width: int) -> int | None:
    """The smallest batch that `build` gets wrong for such rows; None where it gets all right."""
    source = source_of(build)
    found = (f.batch for f in FAULTS if f.build == source and f.type == type and width % f.multiple)
    return min(found, default=None)
