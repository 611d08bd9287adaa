"""Frequency penalty: a token's logit loses f for every time it is in the recent history (OpenAI's definition).

The range is the repetition penalty's, and counts the prompt too, as llama.cpp does.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number, whole


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    seen, counts = moment.seen(whole(values, "repetition_penalty_range"))
    where, which = candidates.locate(seen)
    loss = (counts[which] * number(values, "frequency_penalty")).astype(np.float32)
    return candidates.changed(where, candidates.logits[where] - loss)


STEP = Step(
    name="frequency_penalty",
    group="penalty",
    parameters=(
        Parameter(
            "frequency_penalty",
            "float",
            neutral=0.0,
            default=0.0,
            minimum=-10.0,
            maximum=10.0,
            aliases=("freq_pen",),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
