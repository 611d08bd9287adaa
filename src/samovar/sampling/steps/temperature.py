"""Temperature: flattens (above 1) or sharpens (below 1) the distribution; 0 takes the best token.

p_i ∝ exp(l_i / T) (Ackley, Hinton, Sejnowski 1985). The best logit is subtracted first, which changes no
probability and keeps the quotient finite for the smallest T.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values

COLDEST = 1e-5
"""Below it nothing but the best token has any probability in float32, and 1 / T soon overflows."""


def is_greedy(values: Values) -> bool:
    return values["temperature"] < COLDEST


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    if is_greedy(values):
        return candidates.best(1)
    scale = np.float32(1 / values["temperature"])
    return candidates.with_logits((candidates.logits - candidates.top) * scale, ordered=candidates.ordered)


STEP = Step(
    name="temperature",
    parameters=(
        Parameter("temperature", "float", neutral=1.0, default=0.8, minimum=0.0, maximum=5.0, aliases=("temp",)),
    ),
    apply=apply,
    keeps_best=True,
)
