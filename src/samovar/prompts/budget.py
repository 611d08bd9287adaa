"""What one rendering of a chat template may use up: work, time, and the size of any one value.

A template comes with a model file, from a stranger, and runs in the front process. Python can neither interrupt a
long C call nor bound its memory, so every operation that makes values is weighed before or right after it is done
(see `sandbox`): no value outgrows `largest`, hence no single operation takes long, hence the clock that is looked
at with every one of them stops a template in time. No signals, no threads: it holds wherever it is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, ValuesView

from samovar.core.errors import InvalidInput

ROOM = 1 << 20
"""Characters that one value may hold however short the input is."""

GROWTH = 8
"""Characters that one value may hold for each character of input."""

WORK = 64
"""Characters and elements that all operations together may make, in units of the largest value."""

STEP = 64
"""An operation, a call or one turn of a loop counts as much as so many characters."""

SECONDS = 5
DEEPEST = 100
"""Calls within calls: macros that call themselves, recursive loops."""

LONGEST_NUMBER = 4096
"""Bits."""

_CONTAINERS = (list, tuple, set, frozenset, range, KeysView, ValuesView, ItemsView)


class OwnList(list[object]):
    """A list that a template wrote itself. It may change until it is `held` by another value, whose weight is then
    known."""

    held = False


class Budget:
    """The limits of one rendering. Every method raises InvalidInput, which names the limit, once it is crossed."""

    def __init__(self, input_size: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.largest = ROOM + GROWTH * input_size
        self._left = WORK * self.largest
        self._clock = clock
        self._deadline = clock() + SECONDS
        self._depth = 0
        self._weights: dict[int, tuple[object, int]] = {}

    def spend(self, amount: int) -> None:
        """Counts work that was done, in characters or elements made."""
        self._left -= amount
        if self._left < 0:
            raise InvalidInput("prompts.template_work", limit=WORK * self.largest)
        if self._clock() > self._deadline:
            raise InvalidInput("prompts.template_time", seconds=SECONDS)

    def allow(self, size: int) -> None:
        """To be asked before a value of `size` characters and elements is made."""
        if size > self.largest:
            raise InvalidInput("prompts.template_size", limit=self.largest)

    def made(self, value: object) -> int:
        """Counts a value that an operation has made. Returns its weight."""
        weight = self.weight(value)
        self.allow(weight)
        self.spend(STEP + (weight if isinstance(value, str) else 0))
        return weight

    def weight(self, value: object) -> int:
        """Characters and elements of `value` written out in full, each as often as it would be written.

        Nothing that a template can reach changes, except namespaces and lists of its own that nothing holds, so a
        container is looked through once.
        """
        if isinstance(value, str):
            return len(value) + 1
        if isinstance(value, int):
            return 1 + value.bit_length() // 3
        if isinstance(value, dict):
            return self._container(value, (part for pair in value.items() for part in pair), 2 * len(value))
        if isinstance(value, _CONTAINERS):
            return self._container(value, iter(value), len(value))
        return 1

    def grows(self, own: OwnList, value: object) -> None:
        """To be asked before a list that may change gets one more value."""
        weight = self.weight(own) + self._held(value)
        self.allow(weight)
        self._weights[id(own)] = (own, weight)

    def shrinks(self, own: OwnList) -> None:
        """To be told before a list that may change loses a value."""
        self._weights.pop(id(own), None)

    def deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidInput("prompts.template_depth", limit=DEEPEST)

    def shallower(self) -> None:
        self._depth -= 1

    def each(self, values: Iterable[object]) -> Iterator[object]:
        """The values, each of them counted."""
        for value in values:
            self.spend(STEP)
            yield value

    def _container(self, value: object, parts: Iterator[object], length: int) -> int:
        known = self._weights.get(id(value))
        if known is None:
            self.spend(length)
            # The value is kept with its weight: otherwise another could come to have its id.
            known = self._weights[id(value)] = (value, 1 + sum(map(self._held, parts)))
        return known[1]

    def _held(self, part: object) -> int:
        """The weight of what is part of another value."""
        if isinstance(part, OwnList):
            part.held = True
        return self.weight(part)
