"""What the steps of a chain may know of a model's vocabulary. One a loaded model, shared by all its samplers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np

from samovar.sampling.candidates import Ids

Tail = tuple[int, ...]

LONGEST_TAIL = 20
MOST_SETS = 16
"""How many sets of breakers are remembered."""


def _no_piece(_token: int) -> bytes:
    return b""


def _no_tokens(_text: str) -> Sequence[int]:
    return ()


class Lexicon:
    """`size`: how many tokens there are. `end_tokens`: those that end an answer. `piece(token)`: the bytes it
    stands for. `tokenize(text)`: its tokens, where a control token's text becomes that token."""

    def __init__(
        self,
        size: int,
        end_tokens: Sequence[int] = (),
        piece: Callable[[int], bytes] = _no_piece,
        tokenize: Callable[[str], Sequence[int]] = _no_tokens,
    ) -> None:
        self.size = size
        self.end_tokens: Ids = np.array(sorted(end_tokens), dtype=np.int64)
        self.piece = piece
        self._tokenize = tokenize
        self._breakers: dict[tuple[str, ...], Breakers] = {}

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of every token. Reading them takes a moment the first time: about a microsecond a token."""
        return tuple(map(self.piece, range(self.size)))

    def breakers(self, texts: tuple[str, ...]) -> Breakers:
        """Where any of `texts` (not empty) stands in a row of tokens. Found out once for each set of texts."""
        if texts not in self._breakers:
            if len(self._breakers) == MOST_SETS:
                self._breakers.clear()
            ways: dict[int, set[Tail]] = {}
            for text in texts:
                self._spell(text, ways)
            self._breakers[texts] = Breakers(ways)
        return self._breakers[texts]

    def _spell(self, text: str, ways: dict[int, set[Tail]]) -> None:
        """Adds the ways in which `text` may be spelled in tokens."""
        wanted = text.encode("utf-8", "replace")
        for token, piece in enumerate(self.pieces):
            if wanted in piece:
                ways.setdefault(token, set()).add(())
            elif wanted[0] in piece:
                for head in range(1, min(len(wanted), len(piece) + 1)):
                    if piece.endswith(wanted[:head]):
                        rest = tuple(self._tokenize(wanted[head:].decode("utf-8", "ignore")))
                        ways.setdefault(token, set()).add(rest[:LONGEST_TAIL])
        single = self._tokenize(text)
        if len(single) == 1:
            ways.setdefault(single[0], set()).add(())


class Breakers:
    """Texts that end a repetition, in tokens. `ways`: by the first token that holds some of a text, the rows of
    tokens that must follow for the rest of it; an empty row where the first one holds it all."""

    def __init__(self, ways: Mapping[int, Collection[Tail]]) -> None:
        self._ways = {token: sorted(tails, key=len, reverse=True) for token, tails in ways.items()}
        self._ones = frozenset(token for token, tails in ways.items() if () in tails)

    @cached_property
    def flat(self) -> Ids:
        """All of it in one row of numbers, as the kernel reads it: how many ways there are; the first token of
        each, rising; where the rest of each begins and, at the end, where the last one ends; the rests."""
        ways = [(token, tail) for token in sorted(self._ways) for tail in self._ways[token]]
        ends = accumulate((len(tail) for _, tail in ways), initial=0)
        rests = (token for _, tail in ways for token in tail)
        return np.array([len(ways), *(token for token, _ in ways), *ends, *rests], dtype=np.int64)

    def is_one(self, token: int) -> bool:
        """Whether `token` alone holds a whole text."""
        return token in self._ones

    def since(self, ids: Ids, most: int) -> int:
        """How many of `ids` (int64 [n]) stand behind the last text, at most `most` and at most all of them."""
        end = ids[-(most + LONGEST_TAIL) :].tolist()
        for back, token in enumerate(reversed(end)):
            for tail in self._ways.get(token, ()):
                if len(tail) <= back and end[len(end) - back :][: len(tail)] == list(tail):
                    return min(back - len(tail), most)
        return min(len(ids), most)
