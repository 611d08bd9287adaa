"""Repetition penalty: makes tokens of the recent history less likely, however often they occurred there.

l_i > 0 becomes l_i / r, else l_i * r (Keskar et al. 2019, "CTRL"; the form for negative logits is Hugging Face's
and llama.cpp's). The range counts tokens back from the end: 0 looks at none, -1 at all of them.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    seen = moment.recent(int(values["repetition_penalty_range"]))
    where = seen if candidates.ids is None else np.flatnonzero(np.isin(candidates.ids, seen))
    if not len(where):
        return candidates
    penalty = np.float32(values["repetition_penalty"])
    logits = candidates.logits.copy()
    old = logits[where]
    logits[where] = np.where(old > 0, old / penalty, old * penalty)
    return candidates.with_logits(logits, ordered=False)


STEP = Step(
    name="repetition_penalty",
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
            neutral=0,
            default=64,
            minimum=-1,
            maximum=10_000_000,
            aliases=("repeat_last_n", "rep_pen_range"),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
