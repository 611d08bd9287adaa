"""The ids before the next token, kept as one array that grows: turning a long list into one for every token would
cost more than all steps together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samovar.sampling.candidates import Ids

ROOM = 1024
LOOK = 64
"""How many ids are compared to see whether a history is the known one. A text that is taken back and goes on
otherwise without a draw in between differs in them."""


class Past:
    """Follows a history that grows by a few ids at a time, or is cut back."""

    def __init__(self) -> None:
        self._ids: Ids = np.empty(ROOM, dtype=np.int64)
        self._known = 0

    def follow(self, history: Sequence[int] | Ids) -> Ids:
        """`history` as int64 [n], a view that is good until the next call. Ids known from the last call are taken
        to be the same as then, if the last few of them are."""
        length = len(history)
        known = min(self._known, length)
        if self._ids[max(0, known - LOOK) : known].tolist() != list(history[max(0, known - LOOK) : known]):
            known = 0
        if length > len(self._ids):
            wider = np.empty(2 * length, dtype=np.int64)
            wider[:known] = self._ids[:known]
            self._ids = wider
        self._ids[known:length] = history[known:]
        self._known = length
        return self._ids[:length]
