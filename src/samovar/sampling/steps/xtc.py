"""XTC ("exclude top choices"): now and then takes the most likely tokens away, so that a text leaves the beaten
path (p-e-w 2024, text-generation-webui pull request 6335).

With the given probability, of the tokens at least as likely as the threshold all but the least likely are removed.
A threshold above a half does nothing, as only one token can reach it. As in llama.cpp, line breaks and end tokens
are removed like any other.
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    threshold = number(values, "xtc_threshold")
    if moment.chance >= number(values, "xtc_probability") or threshold > 0.5:
        return candidates
    floor = float(candidates.top) + candidates.log_sum() + (math.log(threshold) if threshold else -math.inf)
    likely = np.flatnonzero((candidates.logits >= floor) & (candidates.logits > -np.inf))
    if len(likely) < 2:
        return candidates
    spared = len(likely) - 1 - int(candidates.logits[likely[::-1]].argmin())
    return candidates.without(np.delete(likely, spared))


STEP = Step(
    name="xtc",
    group="truncation",
    parameters=(
        Parameter("xtc_probability", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=1.0),
        Parameter("xtc_threshold", "float", neutral=0.1, default=0.1, minimum=0.0, maximum=1.0),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"chance"}),
)
