"""Top-n-sigma: keeps tokens whose logit is within n standard deviations of the best one
(Tang et al. 2024, "Top-nσ: Not All Logits Are You Need").

l ≥ max l - n·σ, σ over the logits of all tokens that are possible (of all, not of a sample). Temperature before it
changes nothing about who stays.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    logits = candidates.logits
    if logits.min() == -np.inf:
        logits = logits[logits > -np.inf]
    spread = float(logits.std(dtype=np.float64))
    return candidates.at_least(float(candidates.top) - number(values, "top_n_sigma") * spread)


STEP = Step(
    name="top_n_sigma",
    group="truncation",
    parameters=(
        Parameter(
            "top_n_sigma",
            "float",
            neutral=0.0,
            default=0.0,
            minimum=0.0,
            maximum=100.0,
            aliases=("nsigma",),
            off=(-1,),
        ),
    ),
    apply=apply,
    keeps_best=True,
)
