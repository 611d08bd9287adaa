"""What each step of a chain does to one distribution, for a look inside."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from samovar.core.parameters import SamplingParams
from samovar.sampling.candidates import Candidates, Ids, Logits
from samovar.sampling.chain import Chain
from samovar.sampling.lexicon import Lexicon
from samovar.sampling.sampler import check
from samovar.sampling.step import Moment


class Stage(msgspec.Struct, frozen=True):
    """The distribution after `step` ("" before the first one): the likeliest tokens with their probabilities, best
    first, and how many tokens are left that may be drawn."""

    step: str
    top: tuple[tuple[int, float], ...]
    survivors: int


def trace(
    params: SamplingParams, lexicon: Lexicon, logits: Logits, history: Sequence[int] | Ids, count: int
) -> list[Stage]:
    """The model's own distribution and what each step leaves of it, in order; without idle steps.

    `logits`: float32 [vocabulary]; `history`: the ids before the token; `count`: how many tokens of each stage.
    Steps that remember are at their beginning, and a coin that is tossed falls so that its step acts. Raises as
    `Sampler` does.
    """
    check(logits, lexicon.size)
    chain = Chain(params)
    moment = Moment(np.asarray(history, dtype=np.int64), lexicon=lexicon, memory=chain.begin())
    names = ["", *(step.name for step in chain.steps)]
    return [_stage(name, left, count) for name, left in zip(names, chain.stages(logits, moment), strict=True)]


def _stage(name: str, candidates: Candidates, count: int) -> Stage:
    survivors = candidates.possible()
    best = candidates.best(max(1, min(count, survivors)))
    norm = float(candidates.top) + candidates.log_sum()
    top = [(best.token(i), float(np.exp(logit - norm))) for i, logit in enumerate(best.logits)]
    return Stage(name, tuple(top[:count]), survivors)
