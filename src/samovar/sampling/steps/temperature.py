"""Temperature: flattens (above 1) or sharpens (below 1) the distribution; 0 takes the best token.

p_i ∝ exp(l_i / T) (Ackley, Hinton, Sejnowski 1985). The best logit is subtracted first, which changes no
probability and keeps the quotient finite for the smallest T.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number

COLDEST = 1e-5
"""Below it nothing but the best token has any probability in float32, and 1 / T soon overflows."""


def is_greedy(values: Values) -> bool:
    """Whether the best token is to be taken. A dynamic temperature may be zero on average and still vary."""
    return number(values, "temperature") < COLDEST and not (
        values["dynamic_temperature"] or number(values, "dynatemp_range") > 0
    )


def heated(candidates: Candidates, temperature: float) -> Candidates:
    if temperature < COLDEST:
        return candidates.best(1)
    scale = np.float32(1 / temperature)
    return candidates.with_logits((candidates.logits - candidates.top) * scale, ordered=candidates.ordered)


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    return heated(candidates, number(values, "temperature"))


STEP = Step(
    name="temperature",
    group="shape",
    parameters=(
        Parameter("temperature", "float", neutral=1.0, default=0.8, minimum=0.0, maximum=5.0, aliases=("temp",)),
        Parameter("temperature_last", "bool", neutral=False, default=False, minimum=0, maximum=1),
    ),
    apply=apply,
    keeps_best=True,
)
