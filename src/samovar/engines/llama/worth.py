"""Whether streams are computed faster together, in one context, or each in its own: by what steps took. Pure.

Together the weights are read once for all; apart nobody attends to the cells of others. Which of the two is less
depends on the model, the machine, the number of streams and how long they are: in powers of two of their tokens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

ENOUGH = 6
"""Steps after which a way is judged; the last so many count."""
GAIN = 0.95
"""Streams move together when a step then takes at most so much of the time: the move itself takes some."""
NEAR = 3
"""How far what was seen is believed: for so many more streams or powers of two."""

Case = tuple[int, int]
"""Streams, and the power of two that their mean number of tokens reaches."""


class Worth:
    """Learns what steps take, and says what to do next. Together is tried once for what is not known."""

    def __init__(self) -> None:
        self._alone: dict[int, deque[float]] = {}
        self._together: dict[Case, deque[float]] = {}
        self._possible = True
        self.together = False
        """What was said last."""

    def say(self, tokens: Sequence[int]) -> bool:
        """Whether streams of so many tokens should be computed together."""
        case = _case(tokens)
        apart = self._apart(case)
        if not self._possible or apart is None:
            self.together = False
            return False
        known = [near for near, took in self._together.items() if len(took) == ENOUGH and _far(near, case) <= NEAR]
        if case not in self._together and known:
            case = min(known, key=lambda near: _far(near, case))
            apart = self._apart(case) or apart
        took = self._together.get(case, ())
        if len(took) == ENOUGH:
            self.together = median(took) < apart * (1 if self.together else GAIN)
        else:
            self.together = True
        return self.together

    def took_alone(self, tokens: int, seconds: float) -> None:
        """The next token of a stream of so many tokens, in a context of its own, took so long."""
        self._alone.setdefault(tokens.bit_length(), deque(maxlen=ENOUGH)).append(seconds)

    def took_together(self, tokens: Sequence[int], seconds: float) -> None:
        """A step of such streams in one context took so long."""
        self._together.setdefault(_case(tokens), deque(maxlen=ENOUGH)).append(seconds)

    def never(self) -> None:
        """Together is not possible."""
        self._possible = self.together = False

    def _apart(self, case: Case) -> float | None:
        """Seconds of a step of so many streams apart; None as long as too little was seen of one."""
        streams, power = case
        known = [near for near, took in self._alone.items() if len(took) == ENOUGH and abs(near - power) <= NEAR]
        return streams * median(self._alone[min(known, key=lambda near: abs(near - power))]) if known else None


def _case(tokens: Sequence[int]) -> Case:
    return len(tokens), (sum(tokens) // len(tokens)).bit_length()


def _far(one: Case, other: Case) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
