"""What the library holds, and what is said about a model of it: values that the hub makes and everything above it
passes on."""

from __future__ import annotations

import msgspec

from samovar.core.errors import ErrorValue
from samovar.core.settings import Count, Library


class InstalledModel(msgspec.Struct, frozen=True):
    """A model file in the library. `path`: its (first) file; `size`: bytes of all parts; `quant` as the field says
    it ("Q4_K_M"), "" if unknown; `created` in Unix seconds. `problem`: why it cannot be run, where it cannot.
    `writes`: whether it writes; else it only reads texts, for embeddings."""

    name: str
    path: str
    size: int
    quant: str
    architecture: str
    created: float
    problem: ErrorValue | None = None
    writes: bool = True


class Own(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one model has of its own beside its context, in place of what the settings and its file say; None:
    nothing about that. `template`: a chat template; `preset`: the name of one that its answers are drawn with where
    a request says nothing else."""

    threads: Count | None = None
    library: Library | None = None
    template: str | None = None
    preset: str | None = None


NOTHING_OF_ITS_OWN = Own()
