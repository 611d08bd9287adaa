"""What a sampling step declares. A step is data and pure functions; chains, API fields, flags, sliders and the
docs table are made from the declaration, so a new step is one new file in `steps/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, cast

import numpy as np

from samovar.core.parameters import Parameter, Value
from samovar.sampling.candidates import Candidates, Ids
from samovar.sampling.lexicon import Lexicon

Values = Mapping[str, Value]
"""Checked values of all parameters, by name."""

Memory = tuple[float, ...]
"""What a step remembers from one token to the next."""

Need = Literal["history", "lexicon", "chance", "memory"]

Group = Literal["ban", "penalty", "truncation", "shape", "target"]
"""What a step is about: tokens that may not come; those that came before; how many of the best are left; how flat
the distribution is; a surprise that is aimed at."""


def number(values: Values, name: str) -> float:
    return cast(float, values[name])


def whole(values: Values, name: str) -> int:
    return cast(int, values[name])


def texts(values: Values, name: str) -> tuple[str, ...]:
    return cast("tuple[str, ...]", values[name])


def tokens(values: Values, name: str) -> tuple[int, ...]:
    return cast("tuple[int, ...]", values[name])


def biases(values: Values, name: str) -> Mapping[int, float]:
    return cast("Mapping[int, float]", values[name])


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a text a token is about to be drawn.

    `history`: the ids before it, prompt and answer; the last `produced` of them are the answer's.
    `chance`: a number of its own, 0 ≤ chance < 1, for a step that tosses a coin.
    `memory`: what the steps that remember know so far, by step.
    """

    history: Sequence[int] | Ids = ()
    produced: int = 0
    lexicon: Lexicon = field(default_factory=partial(Lexicon, 0))
    chance: float = 0.0
    memory: Mapping[str, Memory] = field(default_factory=dict)
    _seen: dict[int, tuple[Ids, Ids]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def recent(self, count: int) -> Ids:
        """The last `count` ids of the history, int64; all of them if `count` is -1."""
        if count == 0:
            return np.empty(0, dtype=np.int64)
        return np.asarray(self.history if count < 0 else self.history[-count:], dtype=np.int64)

    def prompt(self) -> Ids:
        """The ids that are not the answer's."""
        return np.asarray(self.history[: len(self.history) - self.produced], dtype=np.int64)

    def seen(self, count: int) -> tuple[Ids, Ids]:
        """(the different ids among the last `count`, rising; how often each of them is there). Computed once."""
        if count not in self._seen:
            self._seen[count] = np.unique(self.recent(count), return_counts=True)
        return self._seen[count]


Apply = Callable[[Candidates, Values, Moment], Candidates]


@dataclass(frozen=True, slots=True)
class Learning:
    """How a step remembers. `begin(values)`: before the first token. `learn(memory, values, before, after, token)`:
    after `token` was drawn, where `before` were the step's candidates and `after` what it made of them."""

    begin: Callable[[Values], Memory]
    learn: Callable[[Memory, Values, Candidates, Candidates, int], Memory]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain.

    The first `switches` of `parameters` decide: at their neutral values the step is left out of the chain.
    `apply` gets at least one possible candidate and leaves at least one; it changes none of its arguments.
    `keeps_best`: it never changes which candidate is the best one, so that greedy decoding can do without it.
    `needs`: what `apply` reads beyond candidates and values.
    """

    name: str
    group: Group
    parameters: tuple[Parameter, ...]
    apply: Apply
    keeps_best: bool
    needs: frozenset[Need] = frozenset()
    switches: int = 1
    learning: Learning | None = None

    def is_neutral(self, values: Values) -> bool:
        return all(values[switch.name] == switch.neutral for switch in self.parameters[: self.switches])
