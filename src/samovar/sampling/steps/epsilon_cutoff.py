"""Epsilon cutoff: keeps tokens of at least this probability, and the best one in any case
(Hewitt, Manning, Liang 2022, "Truncation Sampling as Language Model Desmoothing"). In ten-thousandths, as
text-generation-webui has it: 3 means 0.0003.
"""

from __future__ import annotations

import math

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number

UNIT = 1e-4


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    floor = math.log(number(values, "epsilon_cutoff") * UNIT)
    return candidates.at_least(float(candidates.top) + candidates.log_sum() + floor)


STEP = Step(
    name="epsilon_cutoff",
    group="truncation",
    parameters=(Parameter("epsilon_cutoff", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=10_000.0),),
    apply=apply,
    keeps_best=True,
)
