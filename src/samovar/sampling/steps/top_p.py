"""Top-p, the nucleus: keeps the fewest most likely tokens whose probabilities sum to at least p
(Holtzman, Buys, Du, Forbes, Choi 2020, "The Curious Case of Neural Text Degeneration").

The nucleus of a whole vocabulary is nearly always short, so its best tokens are taken in growing heads and the
vocabulary is sorted only if none of them holds enough.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number

FIRST_HEAD = 128
GROWTH = 8


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    enough = number(values, "top_p") * candidates.weights().sum(dtype=np.float64)
    size = FIRST_HEAD
    while True:
        head = candidates.best(size)
        mass = np.cumsum(head.weights(), dtype=np.float64)
        if mass[-1] >= enough or len(head) == len(candidates):
            return head.best(int(np.searchsorted(mass, enough)) + 1)
        size *= GROWTH


STEP = Step(
    name="top_p",
    group="truncation",
    parameters=(Parameter("top_p", "float", neutral=1.0, default=0.95, minimum=0.0, maximum=1.0),),
    apply=apply,
    keeps_best=True,
)
