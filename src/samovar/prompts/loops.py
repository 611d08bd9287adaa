"""Loops: an answer that repeats itself, or an earlier answer of the conversation.

Three kinds, each with its rule:

- `cycle`: the end of the answer is the same `period` units over and over.
- `repeat`: nearly all of a long stretch has stood in the answer several times already, be it with small changes.
- `echo`: nearly all of a long stretch (or of a short answer) stands in one of the last answers.

Repetition that people want is common: refrains, cumulative tales, tables, matrices, markup, sentences that begin
alike. So a cycle must go on for long, and for four times as long where it has no words in it or stands in a code
fence; the other two kinds look at prose only; and an overlap counts five units in a row, so that a form that is
filled in differently each time does not overlap with itself.

Looking at one unit takes the same time however long the text is. Knows text only: no ids, no models, no chats.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from samovar.prompts.units import Unit, Units, units_of

Kind = Literal["cycle", "repeat", "echo"]
Gram = tuple[str, ...]

GRAM = 5
"""Units in a row that count as the same place."""

GRAM_WORDS = 3
"""Words that must be among those units: with fewer they are marks of a form, not prose, and are not looked at."""

LONGEST_PERIOD = 200
FEWEST_CYCLES = 3
CYCLE_WORDS = 60
"""Words that a cycle must have said altogether: a paragraph three times, a sentence six, a word sixty."""

PATIENCE = 4
"""How many times longer a cycle without words (its units are counted instead) or in a code fence must be."""

WINDOW = 100
"""Places in prose, one a unit, of the stretch that `repeat` and `echo` judge."""

REPEAT_SHARE = 0.8
REPEAT_TIMES = 3
"""How often a place must have stood in the answer before: of a cumulative tale only a part has."""

ECHO_SHARE = 0.8
SHORT_ECHO_SHARE = 0.9
SHORTEST_ECHO = 25
"""Places of a whole answer below which it may well be the same twice."""

ANSWERS = 6
ANSWER_CHARACTERS = 12_000
"""How many earlier answers are compared, and how much of each (its end)."""

FENCE = "```"


@dataclass(frozen=True)
class Loop:
    """What was found: `times` the text between the characters `start` and `end` has been said, by now and at
    least, in this answer or (`echo`) counting the earlier answers."""

    kind: Kind
    times: int
    start: int
    end: int


class LoopWatch:
    """Watches one answer as it is written. `earlier`: the texts of the answers before it, oldest first."""

    def __init__(self, earlier: Iterable[str] = ()) -> None:
        self._units = Units()
        self._seen: list[Unit] = []
        self._code = False
        self._cycle = _Cycle()
        self._repeat = _Overlap("repeat", REPEAT_SHARE)
        self._echo = _Overlap("echo", ECHO_SHARE)
        self._before: dict[Gram, int] = {}
        self._earlier = _grams_of(tuple(earlier)[-ANSWERS:])

    def feed(self, text: str) -> Loop | None:
        """The first loop that the answer is in, once it is clear with `text`. One answer's watch ends with that."""
        return self._first(self._units.feed(text))

    def end(self) -> Loop | None:
        """The loop that only a finished answer is: a short one that says what an earlier one said."""
        return self._first(self._units.end()) or self._echo.short(self._seen)

    def _first(self, units: Iterable[Unit]) -> Loop | None:
        return next((loop for unit in units if (loop := self._add(unit)) is not None), None)

    def _add(self, unit: Unit) -> Loop | None:
        seen = self._seen
        seen.append(unit)
        if unit.text.startswith(FENCE):
            self._code = not self._code
        gram = tuple(u.text for u in seen[-GRAM:])
        if (cycle := self._cycle.add(seen, gram, patience=PATIENCE if self._code else 1)) is not None:
            return cycle
        if len(seen) < GRAM:
            return None
        times = self._before.get(gram, 0)
        self._before[gram] = times + 1
        if self._code or sum(u.is_word for u in seen[-GRAM:]) < GRAM_WORDS:
            return None
        self._repeat.add(len(seen), times if times >= REPEAT_TIMES else 0)
        self._echo.add(len(seen), self._earlier.get(gram, 0))
        return self._repeat.long(seen) or self._echo.long(seen)


class _Cycle:
    """Follows the end of the text as it runs along an earlier place of it: `distance` units back, for `run` units.

    The place is the last one where the newest five units stood. Once it is lost another is looked up; so a short
    cycle inside a long one costs nothing but the units of its own.
    """

    def __init__(self) -> None:
        self._last: dict[Gram, int] = {}
        self._words = [0]
        self._distance = 0
        self._run = 0

    def add(self, seen: Sequence[Unit], gram: Gram, *, patience: int) -> Loop | None:
        """`seen` up to the newest unit; `gram`: the last five units of it."""
        here = len(seen) - 1
        self._words.append(self._words[-1] + seen[here].is_word)
        if self._distance and seen[here].text == seen[here - self._distance].text:
            self._run += 1
        else:
            self._distance = self._run = 0
        if len(gram) == GRAM:
            if not 0 < self._distance <= LONGEST_PERIOD and gram in self._last:
                self._distance, self._run = here - self._last[gram], GRAM
            self._last[gram] = here
        return self._judge(seen, patience)

    def _judge(self, seen: Sequence[Unit], patience: int) -> Loop | None:
        period, length = self._distance, self._run + self._distance
        if not 0 < period <= LONGEST_PERIOD or length < FEWEST_CYCLES * period:
            return None
        words = self._words[-1] - self._words[-1 - length]
        said = words if words else length // PATIENCE
        if said < CYCLE_WORDS * patience:
            return None
        return Loop("cycle", length // period, seen[-period].start, seen[-1].end)


class _Overlap:
    """How much of the last `WINDOW` places has been said before, and the longest run that has."""

    def __init__(self, kind: Kind, share: float) -> None:
        self._kind: Kind = kind
        self._share = share
        self._window: deque[int] = deque(maxlen=WINDOW)
        self._known = 0
        self._run, self._run_times = 0, 0
        self._best = (0, 0, 0)

    def add(self, end: int, times: int) -> None:
        """The place that ends before unit number `end` stood somewhere else `times` times (0: it is new)."""
        if len(self._window) == WINDOW:
            self._known -= self._window[0] > 0
        self._window.append(times)
        self._known += times > 0
        self._run_times = 0 if not times else times if not self._run else min(self._run_times, times)
        self._run = self._run + 1 if times else 0
        if self._run > self._best[0]:
            self._best = (self._run, end, self._run_times)

    def long(self, seen: Sequence[Unit]) -> Loop | None:
        """The loop, where a whole window is one."""
        return self._found(seen, self._share) if len(self._window) == WINDOW else None

    def short(self, seen: Sequence[Unit]) -> Loop | None:
        """The loop, where a text that has ended before it filled the window is one."""
        return self._found(seen, SHORT_ECHO_SHARE) if SHORTEST_ECHO <= len(self._window) < WINDOW else None

    def _found(self, seen: Sequence[Unit], share: float) -> Loop | None:
        """Its text is the longest run of known places."""
        if self._known < share * len(self._window):
            return None
        run, end, times = self._best
        return Loop(self._kind, times + 1, seen[end - run - GRAM + 1].start, seen[end - 1].end)


def _grams_of(answers: Iterable[str]) -> dict[Gram, int]:
    """In how many of `answers` each five units stand."""
    counts: dict[Gram, int] = {}
    for answer in answers:
        texts = [unit.text for unit in units_of(answer[-ANSWER_CHARACTERS:])]
        for gram in set(zip(*(texts[i:] for i in range(GRAM)), strict=False)):
            counts[gram] = counts.get(gram, 0) + 1
    return counts
