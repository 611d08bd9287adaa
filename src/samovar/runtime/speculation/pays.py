"""Whether it pays to verify guessed tokens, and how many: measured, never assumed.

A step of n rows takes longer than one of a single row, on a processor nearly in proportion, on a graphics card
hardly; a guess comes true more or less often. Both are learned from counts and durations that are told: nothing
here looks at a clock or a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

GAIN = 1.03
"""Less than this is not worth the trouble: it is within what measurements are off."""


class Costs:
    """What a step of so many rows takes, against one of a single row.

    Kept as the share that a further row adds, by the binary order of their number: on the machine it is nearly the
    same for all of them, so that one that was never measured can be had from its neighbours. Other work on the
    machine only ever makes a step longer: short ones count for more than long ones. What is not measured again is
    forgotten.
    """

    SHARE = 0.45
    """What a further row adds before anything was measured."""
    SHORTER, LONGER = 0.3, 0.08
    MOST = 2.0
    FORGET = 0.998

    def __init__(self) -> None:
        self._single: float | None = None
        self._shares: dict[int, float] = {}

    def took(self, rows: int, seconds: float) -> None:
        """A step with `rows` rows, and nothing else, took so long."""
        if self._single is None:
            self._single = seconds / self.of(rows)
        elif rows == 1:
            self._single = self._towards(self._single, min(seconds, self.MOST * self._single))
            self._shares = {
                at: self.SHARE + (share - self.SHARE) * self.FORGET for at, share in self._shares.items()
            }
        else:
            at, known = _order(rows), self._share(rows)
            share = max(seconds / self._single - 1, 0) / (rows - 1)
            self._shares[at] = self._towards(known, min(share, known + self.SHARE))

    def of(self, rows: int) -> float:
        """What `rows` rows take, in steps of one row."""
        return 1 + (rows - 1) * self._share(rows)

    def steps(self, seconds: float) -> float:
        """`seconds` in steps of one row; 0 before anything was measured."""
        return seconds / self._single if self._single else 0.0

    def _towards(self, known: float, measured: float) -> float:
        return known + (self.SHORTER if measured < known else self.LONGER) * (measured - known)

    def _share(self, rows: int) -> float:
        nearest = min(self._shares, key=lambda at: abs(at - _order(rows)), default=None)
        return self.SHARE if nearest is None else self._shares[nearest]


def _order(rows: int) -> int:
    return (rows - 1).bit_length()


class Odds:
    """How often guesses of each grade come true: a prior that counts as `weight` guesses, and what was seen."""

    FORGET = 0.97

    def __init__(self, priors: Mapping[int, float], weight: float = 3.0) -> None:
        self._seen = {grade: (prior * weight, weight) for grade, prior in priors.items()}

    def of(self, grade: int) -> float:
        came, all = self._seen[grade]
        return came / all

    def learn(self, grade: int, *, came: bool) -> None:
        true, all = self._seen[grade]
        self._seen[grade] = (true * self.FORGET + came, all * self.FORGET + 1)


class Balance:
    """Whether guessing has paid of late: the tokens that it gave against the time that it took.

    Where it has not, it rests, twice as long each time, then tries again for a few steps.
    """

    TRIES, SHORTEST, LONGEST = 6, 16, 512
    FORGET = 0.9

    def __init__(self) -> None:
        self._tokens = self._steps = 0.0
        self._tried = self._resting = 0
        self._rest = self.SHORTEST

    def may(self) -> bool:
        """Whether to use a guess; asked wherever there is one, which a rest is counted in."""
        self._resting = max(self._resting - 1, 0)
        return not self._resting

    def took(self, tokens: int, steps: float) -> None:
        """A step with guesses gave `tokens` tokens in the time of `steps` without any."""
        self._tokens = self._tokens * self.FORGET + tokens
        self._steps = self._steps * self.FORGET + steps
        self._tried += 1
        if self._tried < self.TRIES:
            return
        if self._tokens < self._steps:
            self._resting, self._rest = self._rest, min(2 * self._rest, self.LONGEST)
            self._tokens = self._steps = 0.0
            self._tried = 0
        elif self._tried >= 4 * self.TRIES:
            self._rest = self.SHORTEST


def best_count(chances: Iterable[float], streams: int, costs: Costs) -> int:
    """How many guesses to verify so that most tokens come per second; 0 where none is worth it. `chances`: of each,
    to come true if those before it have. `streams`: rows that are computed anyway."""
    best, most = 0, streams / costs.of(streams) * GAIN
    reach, tokens = 1.0, float(streams)
    for count, chance in enumerate(chances, start=1):
        reach *= chance
        tokens += reach
        rate = tokens / costs.of(streams + count)
        if rate > most:
            best, most = count, rate
    return best


def came_true(guesses: Sequence[int], drawn: Sequence[int]) -> list[bool]:
    """For each guess that was put to the test, whether it is what was drawn: all up to the first that is not."""
    verdicts: list[bool] = []
    for guess, token in zip(guesses, drawn, strict=False):
        verdicts.append(guess == token)
        if guess != token:
            break
    return verdicts
