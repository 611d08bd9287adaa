"""Quadratic smoothing: bends the logits, so that good tokens come nearer to the best one and bad ones go far away
(kalomaze 2024; the formula is text-generation-webui's).

With d = l - max l, k = (3 - c) / 2 and s = (c - 1) / 2 the logit becomes max l - k·f·d² + s·f·d³. A curve c of 1 is
the plain parabola; above 3 tokens near the best one may pass it.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    factor, curve = number(values, "smoothing_factor"), number(values, "smoothing_curve")
    square, cube = factor * (3 - curve) / 2, factor * (curve - 1) / 2
    below = candidates.logits - candidates.top
    impossible = below == -np.inf
    below[impossible] = 0
    bent = below * below * (np.float32(cube) * below - np.float32(square))
    bent[impossible] = -np.inf
    return candidates.with_logits(bent, ordered=False)


STEP = Step(
    name="quadratic_sampling",
    group="shape",
    parameters=(
        Parameter("smoothing_factor", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=10.0),
        Parameter("smoothing_curve", "float", neutral=1.0, default=1.0, minimum=1.0, maximum=10.0),
    ),
    apply=apply,
    keeps_best=False,
)
