"""Minimum length: until the answer has this many tokens, none that ends it is drawn
(Hugging Face's MinNewTokensLengthLogitsProcessor; all of the model's end tokens are meant).

Where an end token is all that is possible, it stays possible.
"""

from __future__ import annotations

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, whole


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    if moment.produced >= whole(values, "min_tokens"):
        return candidates
    return candidates.without(candidates.locate(moment.lexicon.end_tokens)[0])


STEP = Step(
    name="min_tokens",
    group="ban",
    parameters=(
        Parameter(
            "min_tokens", "int", neutral=0, default=0, minimum=0, maximum=10_000_000, aliases=("min_length",)
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"lexicon"}),
)
