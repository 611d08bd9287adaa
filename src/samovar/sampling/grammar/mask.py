"""A bit mask, and laying it over a row of logits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

Logits = npt.NDArray[np.float32]

BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
BIASES: Logits = np.where(BITS, np.float32(0), np.float32(-np.inf))
"""float32 [256, 8]: for each byte of a mask what its eight bits, lowest first, add to their logits."""


class Mask:
    """One bit a token, lowest first, in whole 32-bit words; one, and one row, for all answers of a worker."""

    def __init__(self, vocab_size: int) -> None:
        words = vocab_size // 32 + 1
        self._vocab_size = vocab_size
        self._known = np.packbits(np.arange(words * 32) < vocab_size, bitorder="little")
        self._bytes = np.zeros(words * 4, dtype=np.uint8)
        self._row: Logits = np.empty((words * 4, 8), dtype=np.float32)

    @property
    def empty(self) -> bool:
        """Whether it allows no token of the vocabulary."""
        return not self._bytes.any()

    def read(self, matcher: LLMatcher) -> None:
        """What `matcher` allows next."""
        matcher.unsafe_compute_mask_ptr(self._bytes.ctypes.data, self._bytes.nbytes)
        self._bytes &= self._known

    def over(self, row: Logits) -> Logits:
        """`row` (float32 [vocabulary]) with -inf for what the mask forbids: valid until the next call.

        Adding looked-up numbers takes the same time for any mask; writing -inf where a bit is not set takes twenty
        times as long for masks without a pattern."""
        np.take(BIASES, self._bytes, axis=0, out=self._row, mode="clip")
        masked = self._row.reshape(-1)[: self._vocab_size]
        # An engine's fault in a forbidden place becomes NaN, which the sampler reports.
        with np.errstate(invalid="ignore"):
            np.add(masked, row, out=masked)
        return masked
