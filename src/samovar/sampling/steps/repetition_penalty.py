"""Repetition penalty: makes tokens of the recent history less likely, however often they occurred there.

l > 0 becomes l / r, else l · r (Keskar et al. 2019, "CTRL"; the form for negative logits is Hugging Face's
and llama.cpp's). The range counts tokens back from the end: 0 looks at none, -1 at all of them; the frequency and
presence penalties share it. The slope is koboldcpp's: tokens that are only in the farther half of the range get
1 + (r - 1) · slope instead.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates, Ids
from samovar.sampling.step import Moment, Step, Values, number, whole


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    reach = whole(values, "repetition_penalty_range")
    seen, _ = moment.seen(reach)
    where, which = candidates.locate(seen)
    factors = _factors(seen, reach, values, moment)[which]
    old = candidates.logits[where]
    return candidates.changed(where, np.where(old > 0, old / factors, old * factors))


def _factors(seen: Ids, reach: int, values: Values, moment: Moment) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    penalty, slope = (number(values, name) for name in ("repetition_penalty", "repetition_penalty_slope"))
    factors = np.full(len(seen), penalty, dtype=np.float32)
    if slope != 1.0:
        recent = moment.recent(reach)
        far = ~np.isin(seen, recent[len(recent) // 2 :])
        factors[far] = max(1 + (penalty - 1) * slope, LEAST)
    return factors


LEAST = 0.01
"""The smallest factor that a slope can make."""

STEP = Step(
    name="repetition_penalty",
    group="penalty",
    parameters=(
        Parameter(
            "repetition_penalty",
            "float",
            neutral=1.0,
            default=1.0,
            minimum=0.1,
            maximum=10.0,
            aliases=("repeat_penalty", "rep_pen"),
        ),
        Parameter(
            "repetition_penalty_range",
            "int",
            neutral=64,
            default=64,
            minimum=-1,
            maximum=10_000_000,
            aliases=("repeat_last_n", "rep_pen_range", "penalty_range", "repetition_range"),
        ),
        Parameter(
            "repetition_penalty_slope",
            "float",
            neutral=1.0,
            default=1.0,
            minimum=0.0,
            maximum=10.0,
            aliases=("rep_pen_slope",),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
