"""The one table of what a build is known to compute wrongly. The matrix test holds it to the truth, both ways."""

from __future__ import annotations

import msgspec

from samovar.core.engine import Build


class Fault(msgspec.Struct, frozen=True):
    """`build` gives wrong products with rows of `width` values of GGML type `type` when a batch has `batch` or more
    tokens."""

    build: Build
    type: str
    width: int
    batch: int


FAULTS: tuple[Fault, ...] = (
    Fault("ik", "Q4_1", 576, 32),
    Fault("ik", "Q5_1", 576, 32),
)


def first_wrong_batch(build: str, type: str, width: int) -> int | None:
    """The smallest batch that `build` gets wrong for such rows; None where it gets all right."""
    return min((f.batch for f in FAULTS if (f.build, f.type, f.width) == (build, type, width)), default=None)
