"""One answer on its way through a grammar."""

from __future__ import annotations

from llguidance import LLMatcher

from samovar.core.errors import InvalidInput
from samovar.sampling.grammar.faults import stuck
from samovar.sampling.grammar.mask import Logits, Mask


class Follower:
    """Where one answer stands in its grammar. `masked` and `advance` take turns, once a token."""

    def __init__(self, matcher: LLMatcher, mask: Mask) -> None:
        self._matcher = matcher
        self._mask = mask
        self._length = 0

    @property
    def complete(self) -> bool:
        """Whether the answer is whole and nothing more can come."""
        return self._matcher.is_stopped()

    def masked(self, row: Logits) -> Logits:
        """`row` (float32 [vocabulary], left as it is) with -inf for every token that the grammar does not allow
        here: valid until any follower's next call. End tokens are allowed where the answer is whole.

        Raises InvalidInput where nothing is allowed, or where the grammar takes too much work to follow.
        """
        self._mask.read(self._matcher)
        if self._matcher.is_error():
            raise stuck(self._matcher, self._length)
        if self._mask.empty:
            raise InvalidInput("grammar.dead_end", tokens=self._length)
        return self._mask.over(row)

    def take_back(self, count: int) -> None:
        """Forgets the last `count` tokens that `advance` went on with."""
        if count and not self._matcher.rollback(count):
            raise stuck(self._matcher, self._length)
        self._length -= count

    def advance(self, token: int) -> None:
        """Goes on with a token that `masked` allowed, and that is no end token. Raises InvalidInput for another."""
        if not self._matcher.consume_token(token):
            raise stuck(self._matcher, self._length)
        self._length += 1
