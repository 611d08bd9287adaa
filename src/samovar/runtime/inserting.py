"""Text that was inserted, replaced or moved in the middle of a prompt: what stood behind it is not computed again.

A sequence holds A Y B, a prompt is A X B …. A is copied to a spare sequence, B is shifted to its new place where it
lies, X is computed behind A, and B is copied behind X; so with any number of such pieces B. No gap is ever computed
into, which some engines refuse.

It is an approximation, done only where it was asked for (`Limits.reuse_shifted`): the keys and values of B were
computed with Y in view and without X. `Slot.exact` tells whoever takes them over. Pure, as `caches` is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samovar.runtime.cells import Slot


@dataclass(frozen=True)
class Piece:
    """`count` tokens that a sequence holds from position `held` on, and a prompt has from `start` on."""

    held: int
    start: int
    count: int

    @property
    def end(self) -> int:
        """Where it ends in the prompt."""
        return self.start + self.count

    @property
    def behind(self) -> int:
        """Where it ends in the sequence."""
        return self.held + self.count

    @property
    def by(self) -> int:
        return self.start - self.held


@dataclass
class Moved:
    """Pieces on their way to a job: shifted to their places, in the sequence of `slot`, which nobody else uses
    meanwhile and which holds nothing else. The first of them is what `cells` of the slot begin with."""

    slot: Slot
    pieces: list[Piece]

    @property
    def count(self) -> int:
        """Tokens of all pieces."""
        return sum(piece.count for piece in self.pieces)


def pieces_alike(held: Sequence[int], wanted: Sequence[int], start: int, probe: int) -> list[Piece]:
    """What `wanted` has in common with `held` from `start` on, up to where both are alike, in order: pieces of at
    least `probe` tokens each, found from the front. Of two places that a piece could come from, the first.

    Blocks of half as many tokens are looked up, of which every such piece holds a whole one (as in rsync)."""
    size = max(probe // 2, 1)
    places = _blocks(held, start, size)
    pieces: list[Piece] = []
    at, behind = start, start
    for first, block in _windows(wanted, start, size):
        found = places.get(block, [])
        index = bisect_left(found, behind)
        if first < at or index == len(found):
            continue
        piece = _widened(Piece(found[index], first, size), held, wanted, behind, at)
        if piece.count >= probe:
            pieces.append(piece)
            at, behind = piece.end, piece.behind
    return pieces


def moves(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that have to be shifted, in an order in which none is shifted over another: those that move up the
    sequence from the last one on, then those that move down from the first one on."""
    up = [piece for piece in reversed(pieces) if piece.by > 0]
    return up + [piece for piece in pieces if piece.by < 0]


def leftovers(pieces: Sequence[Piece], length: int) -> list[tuple[int, int]]:
    """The ranges [from, to) of a sequence of `length` tokens that lie between the pieces."""
    borders = [0, *(border for piece in pieces for border in (piece.held, piece.behind)), length]
    return [(a, b) for a, b in zip(borders[::2], borders[1::2], strict=True) if a < b]


def _blocks(tokens: Sequence[int], start: int, size: int) -> dict[bytes, list[int]]:
    """Where blocks of `size` tokens lie, from `start` on and side by side."""
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, block in _windows(tokens, start, size, step=size):
        places[block].append(place)
    return places


def _windows(tokens: Sequence[int], start: int, size: int, step: int = 1) -> Iterator[tuple[int, bytes]]:
    data = array("i", tokens)
    text, wide = data.tobytes(), data.itemsize
    for place in range(start, len(tokens) - size + 1, step):
        yield place, text[place * wide : (place + size) * wide]


def _widened(piece: Piece, held: Sequence[int], wanted: Sequence[int], behind: int, at: int) -> Piece:
    """The piece with all that is alike around it, down to `behind` and `at`."""
    first, start = piece.held, piece.start
    while first > behind and start > at and held[first - 1] == wanted[start - 1]:
        first, start = first - 1, start - 1
    last, end = piece.behind, piece.end
    while last < len(held) and end < len(wanted) and held[last] == wanted[end]:
        last, end = last + 1, end + 1
    return Piece(first, start, last - first)
