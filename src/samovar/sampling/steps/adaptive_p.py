"""Adaptive-p: favours tokens whose probability is near a target, and corrects itself by what was drawn before
(MrJackSpade 2025; constants and formula are llama.cpp's).

The target is moved to 2·target - mean of the drawn tokens' probabilities, the mean weighing the past by `decay`. A
token's logit becomes 5 - 10·d² / (1 + d), d = |p - target| / 0.3, p its probability before.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Learning, Memory, Moment, Step, Values, number

PEAK, SHARPNESS, WIDTH = 5.0, 10.0, 0.3


def begin(values: Values) -> Memory:
    """(the weighted sum of the drawn tokens' probabilities, the sum of the weights), as after a long text that met
    its target."""
    weights = 1 / (1 - number(values, "adaptive_decay"))
    return number(values, "adaptive_target") * weights, weights


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    total, weights = moment.memory.get("adaptive_p") or begin(values)
    target = min(max(2 * number(values, "adaptive_target") - total / weights, 0.0), 1.0)
    distance = np.abs(candidates.probabilities() - target) / WIDTH
    logits = (PEAK - SHARPNESS * distance**2 / (1 + distance)).astype(np.float32)
    logits[candidates.logits == -np.inf] = -np.inf
    return candidates.with_logits(logits, ordered=False)


def learn(memory: Memory, values: Values, before: Candidates, _after: Candidates, token: int) -> Memory:
    decay = number(values, "adaptive_decay")
    return before.probability(token) + decay * memory[0], 1 + decay * memory[1]


STEP = Step(
    name="adaptive_p",
    group="target",
    parameters=(
        Parameter("adaptive_target", "float", 0.0, 0.0, 0.0, 1.0, off=(-1, -0.01)),
        Parameter("adaptive_decay", "float", neutral=0.9, default=0.9, minimum=0.0, maximum=0.99),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"memory"}),
    learning=Learning(begin, learn),
)
