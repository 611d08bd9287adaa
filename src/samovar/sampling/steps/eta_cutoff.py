"""Eta cutoff: keeps tokens of at least a probability that is lower where the model is unsure, and the best one in
any case (Hewitt, Manning, Liang 2022, "Truncation Sampling as Language Model Desmoothing").

p ≥ min(ε, √ε · e^(-H)), H the entropy. ε in ten-thousandths, as text-generation-webui has it: 3 means 0.0003.
"""

from __future__ import annotations

import math

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number

UNIT = 1e-4


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    epsilon = math.log(number(values, "eta_cutoff") * UNIT)
    floor = min(epsilon, epsilon / 2 - candidates.entropy())
    return candidates.at_least(float(candidates.top) + candidates.log_sum() + floor)


STEP = Step(
    name="eta_cutoff",
    group="truncation",
    parameters=(Parameter("eta_cutoff", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=10_000.0),),
    apply=apply,
    keeps_best=True,
)
