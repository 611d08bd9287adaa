"""The sampling chain, compiled. Chains come from samovar.sampling.native; rows are C-contiguous."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

class Chain:
    """The steps of one request, each a (name, its numbers, its ids). It is fixed: any thread may draw from it.

    ValueError for a step that is not among `steps()`, or for settings that it does not take.
    """

    def __init__(self, vocabulary: int, instructions: Sequence[tuple[str, Sequence[float], Ids]]) -> None: ...
    def draw(self, logits: Logits, history: Ids, produced: int, chance: float, share: float) -> int:
        """The token at `share` (0 ≤ share < 1) of what the steps leave of `logits`, float32 [vocabulary]; -1 where
        that is nothing, or not a number. The last `produced` ids of `history` are the answer's; `chance` is the
        number that a step which tosses a coin takes."""

    def left(self, logits: Logits, history: Ids, produced: int, chance: float) -> tuple[Ids, Logits]:
        """The tokens that the steps leave, and their logits, before the draw. ValueError where `draw` gives -1."""

def draw_rows(logits: Logits, turns: Sequence[tuple[Chain, Ids, int, float, float]]) -> list[int]:
    """One token for each row of `logits`, float32 [rows, vocabulary], from a chain with what its `draw` takes."""

def steps() -> list[str]:
    """The names of the steps that chains may have."""
