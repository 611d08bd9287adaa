"""One choice's sampler: its chain, what the chain remembers, and the seeded draw at its end.

A text depends on nothing but its seed and its logits: the n-th token takes the n-th number of a counter-based
generator (Philox 4x64, Salmon et al. 2011) keyed by the seed, whatever else runs beside it; steps that toss a coin
take theirs from a second one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samovar.core.errors import EngineFailed
from samovar.core.parameters import SamplingParams
from samovar.sampling.candidates import SHORT, Candidates, Ids, Logits, fold
from samovar.sampling.chain import Chain
from samovar.sampling.lexicon import Lexicon
from samovar.sampling.native import NO_IDS, NO_TOKEN, compiled
from samovar.sampling.past import Past
from samovar.sampling.step import Memory, Moment

SEEDS = 2**64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sampler was: how many tokens it had drawn, and what its steps remembered."""

    drawn: int
    memory: Mapping[str, Memory]


class Sampler:
    """Draws the tokens of one choice, one after the other.

    Raises InvalidParameter as `Chain` does. Any whole number is a seed; without one a fresh one is taken. `native`:
    the kernel serves where it can.
    """

    def __init__(self, params: SamplingParams, lexicon: Lexicon, *, native: bool = True) -> None:
        self._chain = Chain(params)
        self._kernel = compiled(self._chain, lexicon) if native else None
        self._lexicon = lexicon
        seed = (secrets.randbits(63) if params.seed is None else params.seed) % SEEDS
        self._shares, self._chances = Numbers(seed), Numbers(seed + SEEDS)
        self._tosses = self._chain.needs("chance")
        self._reads = self._chain.needs("history")
        self._past = Past()
        self._final: Candidates | None = None
        self.place = Place(0, self._chain.begin())

    def draw(self, logits: Logits, history: Sequence[int] | Ids = ()) -> int:
        """The next token. `logits`: float32 [vocabulary], left as they are; `history`: the ids before it, prompt
        and answer, where what was there at the last draw is still there unless the text was cut back. Raises
        EngineFailed for logits that name no token.

        To take tokens back, keep `place` before a draw and put it back.
        """
        drawn = self.place.drawn
        share = self._shares[drawn]
        past = self._past.follow(history) if self._reads else NO_IDS
        produced = min(drawn, len(history))
        chance = self._chances[drawn] if self._tosses else 0.0
        if self._kernel:
            token = self._kernel.draw(logits, past, produced, chance, share)
            if token != NO_TOKEN:
                self.place = Place(drawn + 1, self.place.memory)
                return token
        return self._draw(logits, Moment(past, produced, self._lexicon, chance, self.place.memory), share)

    def _draw(self, logits: Logits, moment: Moment, share: float) -> int:
        """The reference: with numpy."""
        check(logits, self._lexicon.size)
        stages = self._chain.stages(logits, moment)
        last = stages[-1]
        token = last.token(pick(last.weights(), share) if len(last) > 1 else 0)
        self._final = last
        memory = self._chain.learn(stages, moment, token) if moment.memory else moment.memory
        self.place = Place(self.place.drawn + 1, memory)
        return token

    def logprobs(self, logits: Logits, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
        """(log-probability of `token`, the `count` likeliest tokens with theirs, best first), natural logarithms of
        the model's own distribution: before any step. Raises EngineFailed as `draw` does."""
        return model_logprobs(logits, self._lexicon.size, token, count)

    def final_logprobs(self, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
        """As `logprobs`, of what the chain left at the last draw, which gave `token`; for a sampler made with
        `native=False`, since the kernel keeps no distribution."""
        assert self._final is not None, "nothing was drawn with numpy"
        norm, top = _likeliest(self._final, max(count, 1))
        place = next(i for i in range(len(self._final)) if self._final.token(i) == token)
        return float(self._final.logits[place]) - norm, top[:count]


def model_logprobs(logits: Logits, size: int, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """As `Sampler.logprobs`, for `logits` of a vocabulary of `size`."""
    check(logits, size)
    norm, top = _likeliest(Candidates(logits), count)
    return float(logits[token]) - norm, top


def _likeliest(candidates: Candidates, count: int) -> tuple[float, list[tuple[int, float]]]:
    """(logarithm of the sum of all weights, the `count` likeliest tokens with their log-probabilities)."""
    norm = float(candidates.top) + float(np.log(candidates.weights().sum()))
    best = candidates.best(min(count, candidates.possible())) if count else None
    return norm, [(best.token(i), float(logit) - norm) for i, logit in enumerate(best.logits)] if best else []


class Numbers:
    """The uniform numbers, 0 ≤ x < 1, of the key, by their index. Made four at a time; going on is cheap, going
    back starts the generator again."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._random = np.random.Generator(np.random.Philox(key=key))
        self._next = 0
        self._last = 0.0

    def __getitem__(self, index: int) -> float:
        if index < self._next - 1:
            self._random = np.random.Generator(np.random.Philox(key=self._key))
            self._next = 0
        while self._next <= index:
            self._last = self._random.random()
            self._next += 1
        return self._last


def check(logits: Logits, size: int) -> None:
    """Raises EngineFailed unless `logits` are `size` numbers from which a token can be drawn."""
    if len(logits) != size:
        raise EngineFailed("sampling.row_length", got=len(logits), vocabulary=size)
    top = logits.max()
    if np.isfinite(top):
        return
    if np.isnan(top):
        raise EngineFailed("sampling.nan", count=int(np.isnan(logits).sum()), vocabulary=size)
    if top > 0:
        raise EngineFailed("sampling.infinite", token=int(logits.argmax()))
    raise EngineFailed("sampling.nothing_possible", vocabulary=size)


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
