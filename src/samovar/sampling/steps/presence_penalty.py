"""Presence penalty: a token's logit loses p if it is in the recent history at all (OpenAI's definition).

The range is the repetition penalty's, and counts the prompt too, as llama.cpp does.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number, whole


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    seen, _ = moment.seen(whole(values, "repetition_penalty_range"))
    where, _ = candidates.locate(seen)
    return candidates.changed(where, candidates.logits[where] - np.float32(number(values, "presence_penalty")))


STEP = Step(
    name="presence_penalty",
    group="penalty",
    parameters=(
        Parameter(
            "presence_penalty",
            "float",
            neutral=0.0,
            default=0.0,
            minimum=-10.0,
            maximum=10.0,
            aliases=("presence_pen",),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
