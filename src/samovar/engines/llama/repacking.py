"""Which models `ik` computes faster with the rows of their matrices interleaved, as it can do when it loads them.

Vector instructions then take what they need of four or eight rows in one piece. The file is read into memory for
it. Pure; `bench/repacking.py` measures the table, the matrix test holds that what is computed so is right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from samovar.core.engine import Setting

GAINING = frozenset({"Q8_0", "Q5_0", "Q4_0", "Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "IQ4_XS"})
"""With AVX2: one token 1.0 to 2.0 times as fast, eight 1.1 to 1.6, a prompt 0.95 to 1.24."""
LOSING = frozenset({"IQ4_NL", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS"})
"""The library interleaves all that it can. With these prompts are read 0.7 to 0.9 times as fast, or it was not
tried."""


def gains_by_repacking(matrices: Collection[str]) -> bool:
    """Whether that is so of a model with matrices of these GGML types. Its table of embeddings, which the library
    leaves as it is, does not count."""
    return not GAINING.isdisjoint(matrices) and LOSING.isdisjoint(matrices)


def with_repacked(rungs: Sequence[Setting]) -> list[Setting]:
    """The rungs of the prebuilt `ik` twice, with interleaved rows first. What was compiled for AVX-512 interleaves
    for itself, and reads prompts 0.8 times as fast where it was done before."""
    compiled = [rung for rung in rungs if rung.build == "ik-native"]
    prebuilt = [rung for rung in rungs if rung.build == "ik"]
    return [*compiled, *(replace(rung, repacked=True) for rung in prebuilt), *rungs[len(compiled) :]]
