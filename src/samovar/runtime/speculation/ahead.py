"""What comes next in one text: whom to ask, how much of the answer to verify, and what came of it.

Told the text, what was drawn and how long it took. Knows neither logits nor other texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from samovar.runtime.speculation.draft import DraftModel
from samovar.runtime.speculation.lookup import Lookup
from samovar.runtime.speculation.pays import Balance, Costs, Odds, best_count, came_true

DRAFTED = 8
"""Guesses of a draft model at a time: it takes its while for each, and the ninth hardly ever comes."""
SURE = 0.4
"""How likely all guesses of a draft model have to be together: less never pays on a processor."""

LONG = 6
MATCHED = MappingProxyType({2: 0.4, 3: 0.6, 4: 0.85, 5: 0.93, LONG: 0.96})
"""How often what followed a match follows again, by the bits of its length, before the text has shown it."""
TENTHS = 10
SAID = MappingProxyType({tenth: min((tenth + 0.5) / TENTHS, 1.0) for tenth in range(TENTHS + 1)})
"""The same for a draft model, by tenths of the probability that it gave."""


class Source:
    """One way to guess, and what it was good for in this text. `grades` of the last guess say how much stood behind
    each of its tokens; `paid`: it has cost time."""

    def __init__(self, priors: MappingProxyType[int, float]) -> None:
        self.odds = Odds(priors)
        self.balance = Balance()
        self.tokens: list[int] = []
        self.grades: list[int] = []
        self.paid = False

    def take(self, tokens: list[int], grades: list[int], streams: int, costs: Costs) -> list[int]:
        """Those of the guessed `tokens` that are worth verifying."""
        self.tokens, self.grades = tokens, grades
        return tokens[: best_count(map(self.odds.of, grades), streams, costs)]

    def came(self, drawn: Sequence[int], steps: float) -> None:
        for grade, came in zip(self.grades, came_true(self.tokens, drawn), strict=False):
            self.odds.learn(grade, came=came)
        if self.paid:
            self.balance.took(len(drawn), steps)
        self.tokens, self.grades, self.paid = [], [], False


class Ahead:
    """Guesses for one text: what followed the last time, where that is worth verifying, else what `draft` says."""

    def __init__(self, costs: Costs, lookup: Lookup | None, draft: DraftModel | None) -> None:
        self._costs = costs
        self._lookup = lookup
        self._draft = draft
        self._matched = Source(MATCHED)
        self._said = Source(SAID)

    def guess(self, tokens: list[int], most: int, streams: int) -> list[int]:
        """Up to `most` tokens to verify after `tokens`, in a step of `streams` rows without them."""
        return self._look_up(tokens, most, streams) or self._ask(tokens, most, streams)

    def came(self, drawn: Sequence[int], steps: float) -> None:
        """`drawn` followed, in a step that took as long as `steps` without guesses. What was guessed and not
        verified is judged as well: it costs nothing."""
        for source in (self._matched, self._said):
            source.came(drawn, steps)

    def _look_up(self, tokens: list[int], most: int, streams: int) -> list[int]:
        if self._lookup is None:
            return []
        self._lookup.follow(tokens)
        length, found = self._lookup.guess(most)
        grades = [min((length + i).bit_length(), LONG) for i in range(len(found))]
        taken = self._matched.take(found, grades, streams, self._costs)
        self._matched.paid = bool(taken) and self._matched.balance.may()
        return taken if self._matched.paid else []

    def _ask(self, tokens: list[int], most: int, streams: int) -> list[int]:
        if self._draft is None or streams > 1 or not self._said.balance.may():
            return []
        said = self._draft.guess(tokens, min(most, DRAFTED), SURE)
        if said is None:
            return []
        self._said.paid = True
        grades = [int(chance * TENTHS) for _, chance in said]
        return self._said.take([token for token, _ in said], grades, streams, self._costs)
