"""How many rows of logits a step may give without slowing the steps after it."""

from __future__ import annotations

from samovar.engines.llama.faults import source_of

CLEARED = 0.02
"""Share of the bytes of a model that may be cleared at each token. 4 rows of gemma-3-270m (1.7 %) cost 0.5 % of a
token, 8 of SmolLM2-135M (1.7 %) 0.2 %; 17 rows cost 7 and 2 %, 64 rows 15 and 7 %."""
LEAST = 2
"""Fewer would be no guess at all."""


def rows_at_ease(build: str, vocabulary: int, model: int) -> int:
    """The most rows for a model of `model` bytes; 0: any number. `ik` clears at each token as many rows as its
    context was ever asked for at once, and never makes their room smaller."""
    if source_of(build) != "ik":
        return 0
    row = 4 * vocabulary
    return max(LEAST, int(CLEARED * model) // row)
