"""What a sampling step declares. A step is data and one pure function; chains, API fields, flags, sliders and the
docs table are made from the declaration, so a new step is one new file in `steps/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from samovar.core.parameters import Number, Parameter
from samovar.sampling.candidates import Candidates, Ids

Values = Mapping[str, Number]
"""Checked values of all parameters, by name."""

Need = Literal["history"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a text a token is about to be drawn. `history`: the ids before it, prompt and answer."""

    history: Sequence[int] = ()

    def recent(self, count: int) -> Ids:
        """The last `count` ids of the history, int64; all of them if `count` is -1."""
        if count == 0:
            return np.empty(0, dtype=np.int64)
        return np.asarray(self.history if count < 0 else self.history[-count:], dtype=np.int64)


Apply = Callable[[Candidates, Values, Moment], Candidates]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain.

    `parameters[0]` is the switch: at its neutral value the step is left out of the chain.
    `apply` gets at least one candidate and leaves at least one; it changes none of its arguments.
    `keeps_best`: it never changes which candidate is the best one, so that greedy decoding can do without it.
    `needs`: what `apply` reads beyond candidates and values.
    """

    name: str
    parameters: tuple[Parameter, ...]
    apply: Apply
    keeps_best: bool
    needs: frozenset[Need] = frozenset()

    def is_neutral(self, values: Values) -> bool:
        switch = self.parameters[0]
        return values[switch.name] == switch.neutral
