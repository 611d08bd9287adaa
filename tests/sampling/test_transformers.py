"""The steps agree with Hugging Face's logits warpers, whose answers `scripts/transformers_goldens.py` has written
down: the same tokens survive, with the same logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from samovar.core.parameters import Value
from samovar.sampling import steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment
from tests.sampling.distributions import DATA, Distribution
from tests.sampling.golden_cases import GOLDEN_CASES, golden_rows

ROWS = golden_rows()


@pytest.fixture(scope="module")
def goldens() -> Mapping[str, np.ndarray]:
    with np.load(DATA / "transformers.npz") as file:
        return dict(file)


def ours(step: str, value: float, row: Distribution) -> np.ndarray:
    """Our step's logits, -inf for tokens that are gone."""
    declared = steps()[step]
    values: dict[str, Value] = {
        **defaults(),
        "repetition_penalty_range": -1,
        declared.parameters[0].name: value,
    }
    left = declared.apply(Candidates(row.logits), values, Moment(row.history))
    dense = np.full(len(row.logits), -np.inf, dtype=np.float32)
    dense[np.arange(len(left)) if left.ids is None else left.ids] = left.logits
    return dense


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_the_same_tokens_survive_with_the_same_logits(
    goldens: Mapping[str, np.ndarray], name: str, kind: str
) -> None:
    step, value = GOLDEN_CASES[name]
    rows = ROWS[kind]
    got = np.stack([ours(step, value, row) for row in rows])
    survivors = np.unpackbits(goldens[f"{kind}/{name}"], axis=1, count=got.shape[1]).astype(bool)
    wrong = [index for index, row in enumerate(rows) if not explained(step, value, row, survivors[index])]
    assert wrong == []
    if f"{kind}/{name}/logits" in goldens:
        wanted = goldens[f"{kind}/{name}/logits"]
        assert probabilities(got) == pytest.approx(probabilities(wanted), abs=1e-5)


def explained(step: str, value: float, row: Distribution, survivors: np.ndarray) -> bool:
    """Whether we keep the same tokens, or would after a nudge so small that rounding decides."""
    nudges = (1,) if isinstance(value, int) else (1, 1 - 1e-6, 1 + 1e-6, 1 - 1e-5, 1 + 1e-5)
    return any(np.array_equal(ours(step, value * nudge, row) > -np.inf, survivors) for nudge in nudges)


def probabilities(logits: np.ndarray) -> np.ndarray:
    weights = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
    return weights / weights.sum(axis=1, keepdims=True)
