"""The value that flows through a chain: the tokens that may still be drawn, and their logits.

A step that removes tokens makes the arrays shorter instead of writing -inf, so that everything after a top-k works
on k numbers. Nothing here is changed in place: the first logits of a chain are the engine's own memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

STRIPES = 64
"""A long row is folded into this many rows, so that one vectorised pass over them serves many columns at once."""

NOTHING = -200.0
"""A logit so far below the best one has no weight in float32; -inf would make 0 · inf of it."""

SHORT = 2048
"""Up to this many numbers folding gains nothing."""


def fold(values: Logits) -> tuple[Logits, Logits]:
    """`values` as [STRIPES, columns] and the few at the end that fill no column. Both are views."""
    whole = len(values) // STRIPES * STRIPES
    return values[:whole].reshape(STRIPES, -1), values[whole:]


def descending(values: Logits) -> Ids:
    """Indices that sort `values` from the highest down, equal ones in their order.

    numpy sorts integers with vector instructions, but not stably by index. So long rows are sorted as integers that
    hold the value (its bits, with those of negatives turned over, sort like the float) above the index.
    """
    if len(values) <= SHORT:
        return np.argsort(-values, kind="stable")
    bits = (0 - values).view(np.int32)
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) << 32
    return np.sort(keys | np.arange(len(values))) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Candidates:
    """`logits` float32 [n], n ≥ 1; `ids` int64 [n], or None where index i is token i (the whole vocabulary).

    `ordered`: best first, of equal logits the one that stood first.
    """

    logits: Logits
    ids: Ids | None = None
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def top(self) -> np.float32:
        """The best logit. NaN if any logit is NaN."""
        return np.float32(self.logits[0] if self.ordered else self.logits.max())

    def weights(self) -> Logits:
        """Probabilities up to a common factor: exp(logit - best logit), the best being 1."""
        weights: Logits = np.exp(self.logits - self.top)
        return weights

    def probabilities(self) -> Probabilities:
        """Probabilities, float64: they sum to 1."""
        weights = np.exp((self.logits - self.top).astype(np.float64))
        probabilities: Probabilities = weights / weights.sum()
        return probabilities

    def probability(self, token: int) -> float:
        """That of a token that is possible."""
        index = token if self.ids is None else int(np.flatnonzero(self.ids == token)[0])
        return math.exp(float(self.logits[index]) - float(self.top) - self.log_sum())

    def log_sum(self) -> float:
        """ln of the sum of `weights`: a token's log-probability is its logit - top - this."""
        return float(np.log(self.weights().sum(dtype=np.float64)))

    def entropy(self) -> float:
        """In nats."""
        below = np.maximum(self.logits - self.top, np.float32(NOTHING))
        weights = np.exp(below)
        total = weights.sum(dtype=np.float64)
        return float(np.log(total) - (weights * below).sum(dtype=np.float64) / total)

    def possible(self) -> int:
        """How many of them have any probability."""
        return int(np.count_nonzero(self.logits > -np.inf))

    def token(self, index: int) -> int:
        return index if self.ids is None else int(self.ids[index])

    def take(self, indices: Ids, *, ordered: bool) -> Candidates:
        return Candidates(self.logits[indices], indices if self.ids is None else self.ids[indices], ordered)

    def keep(self, mask: Mask) -> Candidates:
        """Those where `mask` (bool [n], at least one of them true) holds."""
        return self.take(np.flatnonzero(mask), ordered=self.ordered)

    def at_least(self, logit: float) -> Candidates:
        """Those whose logit is not below `logit`; the best ones in any case."""
        return self.keep(self.logits >= min(np.float32(logit), self.top))

    def locate(self, ids: Ids) -> tuple[Ids, Ids]:
        """Where the tokens `ids` (rising, different) are: (indices of candidates, which of `ids` each of them is).
        Ids that are no candidates are left out."""
        if self.ids is None:
            known = int(np.searchsorted(ids, len(self)))
            return ids[:known], np.arange(known)
        where = np.searchsorted(ids, self.ids)
        found = np.flatnonzero(np.append(ids, -1)[where] == self.ids)
        return found, where[found]

    def changed(self, indices: Ids, logits: npt.ArrayLike) -> Candidates:
        """With other logits at `indices`; as they are if that would leave nothing possible."""
        if not len(indices):
            return self
        new = self.logits.copy()
        new[indices] = logits
        bans = np.min(logits) == -np.inf
        return self if bans and new.max() == -np.inf else self.with_logits(new, ordered=False)

    def without(self, indices: Ids) -> Candidates:
        """Those that are not at `indices`; all of them if that would leave nothing possible. From the whole
        vocabulary none is taken out, but made impossible: that is faster."""
        if self.ids is None or not len(indices):
            return self.changed(indices, -np.inf)
        mask = np.ones(len(self), dtype=np.bool_)
        mask[indices] = False
        return self.keep(mask) if (self.logits[mask] > -np.inf).any() else self

    def with_logits(self, logits: Logits, *, ordered: bool) -> Candidates:
        """The same tokens with other logits; `ordered` says whether they are best first."""
        return Candidates(logits, self.ids, ordered)

    def in_order(self) -> Candidates:
        return self.best(len(self))

    def best(self, count: int) -> Candidates:
        """The `count` ≥ 1 best in order, or all if there are fewer; of equal logits those that stand first."""
        if self.ordered:
            ids = None if self.ids is None else self.ids[:count]
            return self if count >= len(self) else Candidates(self.logits[:count], ids, ordered=True)
        if count == 1:
            return self.take(np.array([self.logits.argmax()]), ordered=True)
        hopeful = self._at_least_best(count)
        return self.take(hopeful[descending(self.logits[hopeful])[:count]], ordered=True)

    def _at_least_best(self, count: int) -> Ids:
        """Indices, rising, of a superset of the `count` best. With columns' maxima the `count`-th best maximum is a
        floor that at least `count` logits reach and few others: no partial sort of the whole row is needed."""
        if len(self) <= max(SHORT, count):
            return np.arange(len(self))
        columns, rest = fold(self.logits)
        maxima = np.concatenate((columns.max(axis=0), rest))
        if count > len(maxima):
            return np.arange(len(self))
        return np.flatnonzero(self.logits >= np.partition(maxima, -count)[-count])
