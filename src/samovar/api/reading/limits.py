"""How much one request may hold: far more than any client sends, and little enough to be read in no time."""

from __future__ import annotations

from collections.abc import Iterable

from samovar.core.errors import OutOfRange
from samovar.core.requests import Completion

MOST_MESSAGES = 20_000
MOST_STOPS = 512
LONGEST_STOP = 4096
MOST_CHOICES = 128
MOST_TOOLS = 512
LONGEST_GRAMMAR = 256 * 1024


def check(completions: Iterable[Completion]) -> None:
    """Raises OutOfRange, naming the field as most dialects do."""
    choices = 0
    for completion in completions:
        choices += completion.n
        _few("messages", len(completion.messages), MOST_MESSAGES)
        _few("stop", len(completion.stop), MOST_STOPS)
        _short("stop", max(map(len, completion.stop), default=0), LONGEST_STOP)
        if completion.constraint is not None:
            _short("grammar", len(completion.constraint.text), LONGEST_GRAMMAR)
        if completion.tools is not None:
            _few("tools", len(completion.tools.offered), MOST_TOOLS)
    _few("n", choices, MOST_CHOICES)


def _few(name: str, count: int, most: int) -> None:
    if count > most:
        raise OutOfRange("door.too_many", name=name, count=count, most=most)


def _short(name: str, count: int, most: int) -> None:
    if count > most:
        raise OutOfRange("door.too_long", name=name, count=count, most=most)
