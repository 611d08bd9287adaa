"""Tail-free sampling: cuts the flat tail of the sorted distribution, where its curve no longer bends
(Phénix and Egan 2019, "Tail Free Sampling"; the cut is Kobold's and text-generation-webui's).

Probabilities sorted p_1 ≥ p_2 ≥ …; the second differences |p_i - 2 p_(i+1) + p_(i+2)|, divided by their sum, are
summed up; token i + 1 stays while the sum up to i does not pass z. The best token stays in any case, and all of
them where the differences are zero: such a distribution has no tail.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    ordered = candidates.in_order()
    bends = np.abs(np.diff(ordered.probabilities(), 2))
    total = bends.sum()
    if not total > 0:
        return ordered
    sums = np.cumsum(bends) / total
    return ordered.best(1 + int(np.searchsorted(sums, number(values, "tfs"), side="right")))


STEP = Step(
    name="tfs",
    group="truncation",
    parameters=(Parameter("tfs", "float", neutral=1.0, default=1.0, minimum=0.0, maximum=1.0, aliases=("tfs_z",)),),
    apply=apply,
    keeps_best=True,
)
