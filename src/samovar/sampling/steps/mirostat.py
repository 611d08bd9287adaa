"""Mirostat: cuts the tail where an even surprise asks for it, and corrects itself by what was drawn
(Basu et al. 2020, "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity"; as in llama.cpp).

Version 2 keeps tokens with a surprise -log2 p up to µ. Version 1 estimates the exponent s of Zipf's law from the
100 best tokens and keeps k = ((s - 1)·2^µ / (1 - N^(1 - s)))^(1/s). After the draw µ loses eta · (surprise of
the drawn token among those kept - tau); it begins at 2·tau. The steps that truncate are left out beside it.
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Learning, Memory, Moment, Step, Values, number, whole

SAMPLE = 100


def begin(values: Values) -> Memory:
    """(µ,)"""
    return (2 * number(values, "mirostat_tau"),)


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    (mu,) = moment.memory.get("mirostat") or begin(values)
    if whole(values, "mirostat_mode") == 1:
        return candidates.best(_count(candidates, mu, max(moment.lexicon.size, len(candidates))))
    return candidates.at_least(float(candidates.top) + candidates.log_sum() - mu * math.log(2))


def _count(candidates: Candidates, mu: float, vocabulary: int) -> int:
    """How many tokens version 1 keeps, at least one."""
    best = candidates.best(SAMPLE).logits
    best = best[best > -np.inf].astype(np.float64)
    if len(best) < 2:
        return 1
    ranks = np.arange(1, len(best))
    steps = np.log((ranks + 1) / ranks)
    exponent = float((steps * -np.diff(best)).sum() / (steps * steps).sum())
    excess = exponent - 1
    share = excess / -math.expm1(-excess * math.log(vocabulary)) if excess else 1 / math.log(vocabulary)
    log_count = math.log(share) + mu * math.log(2)
    if log_count >= exponent * math.log(len(candidates)):
        return len(candidates)
    return max(1, int(math.exp(log_count / exponent))) if exponent else 1


def learn(memory: Memory, values: Values, _before: Candidates, after: Candidates, token: int) -> Memory:
    surprise = -math.log2(after.probability(token))
    return (memory[0] - number(values, "mirostat_eta") * (surprise - number(values, "mirostat_tau")),)


STEP = Step(
    name="mirostat",
    group="target",
    parameters=(
        Parameter("mirostat_mode", "int", neutral=0, default=0, minimum=0, maximum=2, aliases=("mirostat",)),
        Parameter("mirostat_tau", "float", neutral=5.0, default=5.0, minimum=0.0, maximum=20.0),
        Parameter("mirostat_eta", "float", neutral=0.1, default=0.1, minimum=0.0, maximum=1.0),
    ),
    apply=apply,
    keeps_best=True,
    needs=frozenset({"memory", "lexicon"}),
    learning=Learning(begin, learn),
)
