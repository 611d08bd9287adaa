"""How far two computations of the same logits are from each other. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from samovar.core.engine import Logits

    Row = npt.NDArray[np.float32]


def mean_divergence(expected: Logits, found: Logits) -> float:
    """Mean over rows of KL(softmax(expected) ‖ softmax(found)), in nats; infinite where a logit is not finite."""
    # Row by row: a large vocabulary's row stays in the processor's caches.
    return float(np.mean([_divergence(p, q) for p, q in zip(expected, found, strict=True)]))


def _divergence(expected: Row, found: Row) -> float:
    if not (np.isfinite(expected).all() and np.isfinite(found).all()):
        return float("inf")
    p, q = _log_softmax(expected), _log_softmax(found)
    return float(np.dot(np.exp(p), p - q))


def _log_softmax(row: Row) -> Row:
    centred = row - row.max()
    return np.asarray(centred - np.log(np.exp(centred).sum()))
