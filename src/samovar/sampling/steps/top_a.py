"""Top-a: keeps tokens with at least a times the square of the best probability (BlinkDL, RWKV-LM 2022).

p ≥ a · p_max², so the surer the model is of its best token, the fewer others stay.
"""

from __future__ import annotations

import math

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    best = -candidates.log_sum()
    return candidates.at_least(float(candidates.top) + math.log(number(values, "top_a")) + best)


STEP = Step(
    name="top_a",
    group="truncation",
    parameters=(Parameter("top_a", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=1.0),),
    apply=apply,
    keeps_best=True,
)
