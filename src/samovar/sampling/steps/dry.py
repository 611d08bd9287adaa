"""DRY ("don't repeat yourself"): makes tokens less likely that would go on with a repetition, the more the longer
it already is (p-e-w 2024, text-generation-webui pull request 5677; breakers as in llama.cpp).

Where the end of the text has stood before, with L ≥ allowed tokens the same, the token that followed loses
multiplier · base^(L - allowed), up to a million: nothing is drawn after that. L is 256 at most. Matches do not
reach back over a breaker, and a token that contains a breaker loses nothing. The range counts tokens back from the
end: 0 looks at none, -1 at all of them.
"""

from __future__ import annotations

import math

import numpy as np

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.repeats import continuations
from samovar.sampling.step import Moment, Step, Values, number, texts, whole

MOST = 1e6
LONGEST = 256
"""Keeps a text of one token over and over from taking long, whose every place is a match."""


def apply(candidates: Candidates, values: Values, moment: Moment) -> Candidates:
    recent = moment.recent(whole(values, "dry_range"))
    allowed = whole(values, "dry_allowed_length")
    multiplier, base = number(values, "dry_multiplier"), number(values, "dry_base")
    breakers = moment.lexicon.breakers(texts(values, "dry_sequence_breakers"))
    reach = breakers.since(recent, min(allowed + _growth(multiplier, base), LONGEST))
    if reach < allowed:
        return candidates
    tokens, lengths = continuations(recent, allowed, reach)
    breaks = np.fromiter(map(breakers.is_one, tokens.tolist()), dtype=np.bool_, count=len(tokens))
    tokens, lengths = tokens[~breaks], lengths[~breaks]
    where, which = candidates.locate(tokens)
    loss = np.minimum(multiplier * base ** (lengths[which] - allowed).astype(np.float64), MOST)
    return candidates.changed(where, candidates.logits[where] - loss.astype(np.float32))


def _growth(multiplier: float, base: float) -> int:
    """How many tokens beyond the allowed ones a match may grow before the loss is as large as it can be."""
    if base == 1.0 or multiplier >= MOST:
        return 0
    return math.ceil(math.log(MOST / multiplier) / math.log(base))


STEP = Step(
    name="dry",
    group="penalty",
    parameters=(
        Parameter("dry_multiplier", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=100.0),
        Parameter("dry_base", "float", neutral=1.75, default=1.75, minimum=1.0, maximum=10.0),
        Parameter("dry_allowed_length", "int", neutral=2, default=2, minimum=1, maximum=200),
        Parameter(
            "dry_range",
            "int",
            neutral=-1,
            default=-1,
            minimum=-1,
            maximum=10_000_000,
            aliases=("dry_penalty_last_n",),
        ),
        Parameter(
            "dry_sequence_breakers",
            "texts",
            neutral=("\n", ":", '"', "*"),
            default=("\n", ":", '"', "*"),
            minimum=1,
            maximum=40,
        ),
    ),
    apply=apply,
    keeps_best=False,
    needs=frozenset({"history", "lexicon"}),
)
