"""No repeated n-grams: no row of n tokens comes twice in the whole text, prompt and answer
(Hugging Face's NoRepeatNGramLogitsProcessor; Paulus, Xiong, Socher 2017).

A ban of everything that is possible is not carried out.
"""

from __future__ import annotations

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.repeats import continuations
from samovar.sampling.step import Moment, Step, Values, whole


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    same = whole(values, "no_repeat_ngram_size") - 1
    banned, _ = continuations(moment.recent(-1), same, same) if same else moment.seen(-1)
    return candidates.without(candidates.locate(banned)[0])


STEP = Step(
    name="no_repeat_ngram",
    group="ban",
    parameters=(Parameter("no_repeat_ngram_size", "int", neutral=0, default=0, minimum=0, maximum=10_000),),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history"}),
)
