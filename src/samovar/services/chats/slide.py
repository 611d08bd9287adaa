"""Where the window of a long chat begins: a pure function of the chat's past, so that nothing has to be stored.

The past is gone through message by message, as it happened. When a message makes the chat outgrow what is `full`,
whole turns (a question and what follows it) leave at the beginning until only `KEPT` of the room is taken. What has
left stays away, and between two slides every prompt continues the one before it: its cache stays good.

Where a cache cannot be moved in place, each slide computes what was kept again: KEPT / (1 − KEPT) tokens per token
of new text, while (1 + KEPT) / 2 of the room is in use on average. 0.5 costs 1.0 and uses 75 %; 0.6 costs 1.5 and
uses 80 %; 0.75 costs 3.0 and uses 87 %. In a window of 4,096, with turns of 200 tokens, 0.66 is where the mean
prompt costs a fifth of one that is computed anew; 0.6 keeps a margin to that.

Knows no text and no tokenizer: sizes in, an index out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

KEPT = 0.6
"""The share of the room, beside what is pinned, that is still taken after a slide."""


class Piece(NamedTuple):
    """A message as the window sees it: the `tokens` it takes, whether it is `pinned` (never leaves), whether it
    `opens` a turn."""

    tokens: int
    pinned: bool
    opens: bool


class Place(NamedTuple):
    """Messages before `first` that are not pinned have left; what is left takes `tokens`. `least` tokens of them
    can never leave: those pinned, and the newest turn."""

    first: int
    tokens: int
    least: int


def slide(pieces: Iterable[Piece], full: int) -> Place:
    """The window after the last of `pieces`, of which at most `full` tokens are wanted. It holds more than that
    only where what can never leave takes more."""
    turns: deque[list[int]] = deque()  # [its first message, its tokens] of each turn in the window
    pinned = loose = 0
    for at, piece in enumerate(pieces):
        if piece.pinned:
            pinned += piece.tokens
        else:
            if piece.opens or not turns:
                turns.append([at, 0])
            turns[-1][1] += piece.tokens
            loose += piece.tokens
        if pinned + loose > full:
            while len(turns) > 1 and loose > KEPT * (full - pinned):
                loose -= turns.popleft()[1]
    first, newest = (turns[0][0], turns[-1][1]) if turns else (0, 0)
    return Place(first, pinned + loose, pinned + newest)
