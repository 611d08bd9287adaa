"""Min-p: keeps tokens at least p times as likely as the best one (Nguyen et al. 2024, "Turning Up the Heat").

l_i ≥ max l + ln p, so no probability has to be computed.
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    return candidates.keep(candidates.logits >= candidates.top + np.float32(math.log(number(values, "min_p"))))


STEP = Step(
    name="min_p",
    group="truncation",
    parameters=(Parameter("min_p", "float", neutral=0.0, default=0.05, minimum=0.0, maximum=1.0),),
    apply=apply,
    keeps_best=True,
)
