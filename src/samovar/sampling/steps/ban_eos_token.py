"""Ban EOS: no token that ends the answer is drawn, so that it goes on until something else stops it
(llama.cpp's `ignore_eos`, text-generation-webui's `ban_eos_token`). All of the model's end tokens are meant.

Where an end token is all that is possible, it stays possible.
"""

from __future__ import annotations

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values


def apply(candidates: Candidates, _values: Values, moment: Moment) -> Candidates:
    return candidates.without(candidates.locate(moment.lexicon.end_tokens)[0])


STEP = Step(
    name="ban_eos_token",
    group="ban",
    parameters=(
        Parameter(
            "ban_eos_token",
            "bool",
            neutral=False,
            default=False,
            minimum=0,
            maximum=1,
            aliases=("ignore_eos", "ignore_eos_token", "use_default_badwordsids"),
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"lexicon"}),
)
