"""Skew: shifts probability along the tokens sorted by likelihood: below 0 to the best, above 0 to the others
(exllamav2's parameter of this name, which raises the random number of the draw to the power e^(-s)).

The same, said of the distribution: with the sorted tokens' running sum C_i, it becomes C_i^g, g = e^s. What that
gives a token, C_i^g - C_(i-1)^g, is computed as C_i^g · (1 - (1 - p_i / C_i)^g): the difference of two numbers
near 1 would lose the tail.
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    ordered, power = candidates.in_order(), math.exp(number(values, "skew"))
    probabilities = ordered.probabilities()
    sums = np.cumsum(probabilities)
    with np.errstate(divide="ignore"):
        shares = -np.expm1(power * np.log1p(-probabilities / sums))
        logits = (power * np.log(sums) + np.log(shares)).astype(np.float32)
    return ordered.with_logits(logits, ordered=False)


STEP = Step(
    name="skew",
    group="target",
    parameters=(Parameter("skew", "float", neutral=0.0, default=0.0, minimum=-5.0, maximum=5.0),),
    apply=apply,
    keeps_best=False,
)
