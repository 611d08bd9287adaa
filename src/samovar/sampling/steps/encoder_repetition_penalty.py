"""Encoder repetition penalty: makes tokens that are not in the prompt less likely, against inventions.

Done the other way round: for tokens of the prompt, l > 0 becomes l · p, else l / p (Hugging Face's
EncoderRepetitionPenaltyLogitsProcessor). Below 1 it favours tokens that are new.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    where, _ = candidates.locate(np.unique(moment.prompt()))
    factor = np.float32(number(values, "encoder_repetition_penalty"))
    old = candidates.logits[where]
    return candidates.changed(where, np.where(old > 0, old * factor, old / factor))


STEP = Step(
    name="encoder_repetition_penalty",
    group="penalty",
    parameters=(
        Parameter(
            "encoder_repetition_penalty",
            "float",
            neutral=1.0,
            default=1.0,
            minimum=0.1,
            maximum=10.0,
            aliases=("encoder_rep_pen", "hallucination_penalty"),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
