"""What the library holds, as a value that the hub makes and everything above it passes on."""

from __future__ import annotations

import msgspec

from samovar.core.errors import ErrorValue


class InstalledModel(msgspec.Struct, frozen=True):
    """A model file in the library. `path`: its (first) file; `size`: bytes of all parts; `quant` as the field says
    it ("Q4_K_M"), "" if unknown; `created` in Unix seconds. `problem`: why it cannot be run, where it cannot."""

    name: str
    path: str
    size: int
    quant: str
    architecture: str
    created: float
    problem: ErrorValue | None = None
