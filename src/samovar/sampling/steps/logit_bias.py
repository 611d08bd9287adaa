"""Logit bias: adds a number to the logits of chosen tokens, as OpenAI's `logit_bias`; -inf (`false`) bans a token.

Ids outside the vocabulary are passed over. A ban of everything that is possible is not carried out.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, biases


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    bias = sorted(biases(values, "logit_bias").items())
    where, which = candidates.locate(np.array([token for token, _ in bias], dtype=np.int64))
    added = np.array([amount for _, amount in bias], dtype=np.float32)
    return candidates.changed(where, candidates.logits[where] + added[which])


STEP = Step(
    name="logit_bias",
    group="ban",
    parameters=(Parameter("logit_bias", "bias", neutral={}, default={}, minimum=-1000.0, maximum=1000.0),),
    apply=apply,
    keeps_best=False,
)
