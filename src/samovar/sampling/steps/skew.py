"""Skew: shifts probability along the tokens sorted by likelihood: below 0 to the best, above 0 to the others
(exllamav2's parameter of this name, which raises the random number of the draw to the power e^(-s)).

The same, said of the distribution: with the sorted tokens' running sum C_i, it becomes C_i^(e^s).
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    ordered = candidates.in_order()
    sums = np.cumsum(ordered.probabilities())
    skewed = np.minimum(sums / sums[-1], 1.0) ** math.exp(number(values, "skew"))
    with np.errstate(divide="ignore"):
        logits = np.log(np.diff(skewed, prepend=0.0)).astype(np.float32)
    return ordered.with_logits(logits, ordered=False)


STEP = Step(
    name="skew",
    group="target",
    parameters=(Parameter("skew", "float", neutral=0.0, default=0.0, minimum=-5.0, maximum=5.0),),
    apply=apply,
    keeps_best=False,
)
