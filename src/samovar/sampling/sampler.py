"""One choice's sampler: the chain that a request asked for, and the seeded draw at its end.

A text depends on nothing but its seed and its logits: the n-th token takes the n-th number of a counter-based
generator (Philox 4x64, Salmon et al. 2011) keyed by the seed, whatever else runs beside it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from samovar.core.errors import EngineFailed, InvalidParameter
from samovar.core.parameters import SamplingParams
from samovar.sampling.candidates import SHORT, Candidates, Logits, fold
from samovar.sampling.registry import arrange, defaults, resolve
from samovar.sampling.step import Moment, Step, Values
from samovar.sampling.steps.temperature import is_greedy

SEEDS = 2**64


class Sampler:
    """Draws the tokens of one choice, one after the other.

    `params` are checked again here; InvalidParameter for unknown names, values out of range or a bad order.
    Any whole number is a seed; without one a fresh one is taken.
    """

    def __init__(self, params: SamplingParams, vocab_size: int) -> None:
        values, unknown = resolve(params.values)
        if unknown:
            raise InvalidParameter("sampling.unknown_parameter", name=unknown[0])
        self._vocab_size = vocab_size
        self._values: Values = {**defaults(), **values}
        self._chain = chain(arrange(params.order), self._values)
        seed = secrets.randbits(63) if params.seed is None else params.seed
        self._random = np.random.Generator(np.random.Philox(key=seed % SEEDS))

    def draw(self, logits: Logits, history: Sequence[int] = ()) -> int:
        """The next token. `logits`: float32 [vocabulary], left as they are; `history`: the ids before it, prompt
        and answer (an array of 64-bit integers is the fastest). Raises EngineFailed for logits that name no token.
        """
        share = self._random.random()
        self._check(logits)
        candidates = Candidates(logits)
        moment = Moment(history)
        for step in self._chain:
            candidates = step.apply(candidates, self._values, moment)
        return candidates.token(pick(candidates.weights(), share) if len(candidates) > 1 else 0)

    def logprobs(self, logits: Logits, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
        """(log-probability of `token`, the `count` likeliest tokens with theirs, best first), natural logarithms of
        the model's own distribution: before any step. Raises EngineFailed as `draw` does."""
        self._check(logits)
        everything = Candidates(logits)
        norm = float(everything.top) + float(np.log(everything.weights().sum()))
        best = everything.best(count) if count else everything.take(np.empty(0, dtype=np.int64), ordered=True)
        top = [(best.token(i), float(logit) - norm) for i, logit in enumerate(best.logits)]
        return float(logits[token]) - norm, top

    def _check(self, logits: Logits) -> None:
        if len(logits) != self._vocab_size:
            raise EngineFailed("sampling.row_length", got=len(logits), vocabulary=self._vocab_size)
        top = logits.max()
        if np.isfinite(top):
            return
        if np.isnan(top):
            raise EngineFailed("sampling.nan", count=int(np.isnan(logits).sum()), vocabulary=self._vocab_size)
        if top > 0:
            raise EngineFailed("sampling.infinite", token=int(logits.argmax()))
        raise EngineFailed("sampling.nothing_possible", vocabulary=self._vocab_size)


def chain(arranged: Sequence[Step], values: Values) -> tuple[Step, ...]:
    """The steps that have something to do. Greedy decoding needs those only that can change what the best token is,
    and the temperature of zero that takes it."""
    active = tuple(step for step in arranged if not step.is_neutral(values))
    if not is_greedy(values):
        return active
    return tuple(step for step in active if step.name == "temperature" or not step.keeps_best)


def pick(weights: Logits, share: float) -> int:
    """The index at which the running sum of `weights` (float32 [n], ≥ 0, one > 0) passes `share` (0 ≤ share < 1) of
    its total.

    A long array is summed by columns first (see `fold`), and only the column that is hit is looked into: the
    indices are laid out on the interval in another order, each with its own length.
    """
    if len(weights) <= SHORT:
        return _pass(np.cumsum(weights, dtype=np.float64), share)[0]
    columns, rest = fold(weights)
    hit, inner = _pass(np.cumsum(np.concatenate((columns.sum(axis=0), rest)), dtype=np.float64), share)
    width = len(columns[0])
    if hit >= width:
        return columns.size + hit - width
    return pick(columns[:, hit], inner) * width + hit


def _pass(sums: npt.NDArray[np.float64], share: float) -> tuple[int, float]:
    """(index of the first of the running `sums` above `share` of the last one, how far into it that point lies)."""
    target = min(share * sums[-1], np.nextafter(sums[-1], 0))
    hit = int(np.searchsorted(sums, target, side="right"))
    before = sums[hit - 1] if hit else 0.0
    return hit, float((target - before) / (sums[hit] - before))
