"""What is compared with Hugging Face's warpers: shared by the test and by the script that asks them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.sampling.distributions import Distribution, random, real

SIZE = 48
REAL_SIZE = 200

GOLDEN_CASES: Mapping[str, tuple[str, float]] = {
    "temperature": ("temperature", 0.7),
    "top_k": ("top_k", 7),
    "top_p": ("top_p", 0.8),
    "top_p of almost all": ("top_p", 0.99),
    "min_p": ("min_p", 0.05),
    "typical_p": ("typical_p", 0.6),
    "typical_p of almost all": ("typical_p", 0.95),
    "epsilon_cutoff": ("epsilon_cutoff", 200.0),
    "eta_cutoff": ("eta_cutoff", 300.0),
    "eta_cutoff, low": ("eta_cutoff", 20.0),
    "repetition_penalty": ("repetition_penalty", 1.3),
    "encoder_repetition_penalty": ("encoder_repetition_penalty", 1.4),
    "no_repeat_ngram of one": ("no_repeat_ngram", 1),
    "no_repeat_ngram of three": ("no_repeat_ngram", 3),
}
"""By name: (step, value of its switch). The best 200 tokens of a real distribution are numbered, best first."""


def golden_rows() -> Mapping[str, list[Distribution]]:
    return {"random": random(1000, SIZE, impossible=False), "real": [renumbered(row) for row in real()]}


def renumbered(row: Distribution) -> Distribution:
    best = np.argsort(-row.logits, kind="stable")[:REAL_SIZE]
    ids = row.ids[best]
    places = {int(token): place for place, token in enumerate(ids)}
    history = [places[token] for token in row.history.tolist() if token in places]
    return Distribution(row.logits[best], np.arange(REAL_SIZE), np.array(history or [0]))
