"""Where the end of a text has stood before, and what came then."""

from __future__ import annotations

import numpy as np

from samovar.sampling.candidates import Ids


def continuations(ids: Ids, least: int, most: int) -> tuple[Ids, Ids]:
    """(the different tokens that followed an earlier place like the end of `ids`, rising; the longest such
    match for each). Matches are counted in tokens back from the end, 1 ≤ `least` ≤ match; longer ones than `most`
    count as `most`. `ids`: int64 [n].

    Every earlier place of the last token is a match of one; going back token by token, few of them stay.
    """
    if len(ids) < 2:
        return _NONE, _NONE
    places = np.flatnonzero(ids[:-1] == ids[-1])
    lengths = np.ones(len(places), dtype=np.int64)
    alive = np.arange(len(places))
    for back in range(1, min(most, len(ids) - 1)):
        alive = alive[places[alive] >= back]
        alive = alive[ids[places[alive] - back] == ids[-1 - back]]
        if not len(alive):
            break
        lengths[alive] = back + 1
    long = np.flatnonzero(lengths >= least)
    tokens, which = np.unique(ids[places[long] + 1], return_inverse=True)
    longest = np.zeros(len(tokens), dtype=np.int64)
    np.maximum.at(longest, which, lengths[long])
    return tokens, longest


_NONE: Ids = np.empty(0, dtype=np.int64)
_NONE.flags.writeable = False
