"""Token bans: the tokens in the list are never drawn (text-generation-webui's `custom_token_bans`).

Ids outside the vocabulary are passed over. A ban of everything that is possible is not carried out.
"""

from __future__ import annotations

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, tokens


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    banned = np.unique(np.array(tokens(values, "token_bans"), dtype=np.int64))
    return candidates.without(candidates.locate(banned)[0])


STEP = Step(
    name="token_bans",
    group="ban",
    parameters=(
        Parameter(
            "token_bans",
            "tokens",
            neutral=(),
            default=(),
            minimum=0,
            maximum=2**31 - 1,
            aliases=("custom_token_bans",),
        ),
    ),
    apply=apply,
    keeps_best=False,
)
