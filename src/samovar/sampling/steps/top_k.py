"""Top-k: keeps the k most likely tokens (Fan, Lewis, Dauphin 2018, "Hierarchical Neural Story Generation")."""

from __future__ import annotations

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, whole


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    return candidates.best(whole(values, "top_k"))


STEP = Step(
    name="top_k",
    group="truncation",
    parameters=(Parameter("top_k", "int", neutral=0, default=40, minimum=0, maximum=1_000_000, off=(-1,)),),
    apply=apply,
    keeps_best=True,
)
