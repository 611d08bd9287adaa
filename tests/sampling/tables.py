"""Small distributions written out by hand, and what is left of them after a step."""

from __future__ import annotations

import numpy as np
import pytest

from samovar.core.parameters import Value
from samovar.sampling import Lexicon, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment

GUIDE = (0.5, 0.22, 0.12, 0.02, 0.01, 0.0001)
"""The best of a vocabulary whose other 20,000 tokens share the rest."""


def vocabulary(*best: float, others: int = 20_000) -> Candidates:
    """Logits with these probabilities for tokens 0, 1, …, and what is missing to 1 spread over `others` more."""
    spread = np.full(others, (1 - sum(best)) / others) if others else np.empty(0)
    return Candidates(np.log(np.array([*best, *spread])).astype(np.float32))


def few(*probabilities: float) -> Candidates:
    """Logits with these probabilities for tokens 0, 1, …"""
    return vocabulary(*probabilities, others=0)


def after(
    step: str, candidates: Candidates, history: tuple[int, ...] = (), moment: Moment | None = None, **values: Value
) -> dict[int, float]:
    """Probabilities of the possible tokens after one step."""
    given = moment or Moment(history, lexicon=Lexicon(len(candidates)))
    left = steps()[step].apply(candidates, {**defaults(), **values}, given)
    weights = left.weights() / left.weights().sum()
    return {left.token(index): float(weight) for index, weight in enumerate(weights) if weight > 0}


def logits_after(step: str, logits: list[float], history: tuple[int, ...] = (), **values: Value) -> list[float]:
    """The logits themselves, for steps that take nothing away."""
    candidates = Candidates(np.array(logits, dtype=np.float32))
    return list(steps()[step].apply(candidates, {**defaults(), **values}, Moment(history)).logits)


def close(expected: dict[int, float]) -> object:
    return pytest.approx(expected, rel=1e-4)
