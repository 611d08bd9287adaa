"""Typical-p: keeps the tokens whose surprise is nearest to the expected one, until they have the probability p
(Meister, Pimentel, Wiher, Cotterell 2022, "Locally Typical Sampling").

Sorted by |-ln p_i - H|, H the entropy, kept until the sum of probabilities passes p: the best token may be cut.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    norm = float(candidates.top) + candidates.log_sum()
    surprise = norm - candidates.logits.astype(np.float64)
    order = np.argsort(np.abs(surprise - candidates.entropy()), kind="stable")
    mass = np.cumsum(np.exp(-surprise[order]))
    kept = order[: int(np.searchsorted(mass, number(values, "typical_p"), side="right")) + 1]
    return candidates.take(np.sort(kept), ordered=candidates.ordered)


STEP = Step(
    name="typical_p",
    group="truncation",
    parameters=(
        Parameter("typical_p", "float", neutral=1.0, default=1.0, minimum=0.0, maximum=1.0, aliases=("typical",)),
    ),
    apply=apply,
    keeps_best=False,
)
