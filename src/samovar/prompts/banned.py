"""Texts that must not come, watched for while tokens arrive, wherever the borders of the tokens lie.

Says how many of the newest tokens have to be taken back, and how many of the oldest can be shown: the rest may
become a banned text yet. Knows nothing of token ids or of how a token is taken back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

HALF = "".join(map(chr, range(0xDC80, 0xDD00)))
"""What surrogateescape makes of bytes that are no character."""
LONGEST_CHARACTER = 4


class Finding(NamedTuple):
    """`back`: newest tokens that a banned text begins in and that have to go; else `free`: oldest that are safe."""

    free: int
    back: int


class BannedTexts:
    """Holds the bytes of the tokens that were neither freed nor taken back."""

    def __init__(self, texts: Sequence[str], *, ignore_case: bool = False) -> None:
        self._fold = _folded if ignore_case else str
        self._texts = sorted({self._fold(text) for text in texts if text})
        self._whole = frozenset(self._texts)
        self._lengths = sorted({len(text) for text in self._texts})
        self._held: list[bytes] = []

    def push(self, piece: bytes) -> Finding:
        """Takes in one token's bytes. What the finding frees or takes back is held no longer."""
        self._held.append(piece)
        # surrogateescape keeps bytes of half a character, so that places in the text can be counted in bytes.
        text = self._fold(b"".join(self._held).decode("utf-8", "surrogateescape"))
        found = self._first_banned(text)
        if found is not None:
            first = self._token_at(text, found)
            back = len(self._held) - first
            del self._held[first:]
            return Finding(0, back)
        free = self._token_at(text, self._first_doubt(text))
        del self._held[:free]
        return Finding(free, 0)

    def _first_banned(self, text: str) -> int | None:
        """Where the first banned text begins. There may be thousands: they are looked up, not gone through."""
        places = range(len(text))
        return next((at for at in places if any(text[at : at + n] in self._whole for n in self._lengths)), None)

    def _may_become(self, text: str) -> bool:
        """Whether a banned text begins with `text`: if one does, the first one that sorts behind it does."""
        behind = bisect_left(self._texts, text)
        return behind < len(self._texts) and self._texts[behind].startswith(text)

    def _first_doubt(self, text: str) -> int:
        """Where the longest end of `text` begins that a banned text may begin with; its length if none does. Half
        a character at the end may become any."""
        whole = text.rstrip(HALF)
        longest = max(self._lengths, default=0)
        for place in range(max(0, len(whole) - longest + 1), len(whole)):
            if self._may_become(whole[place:]):
                return place
        return len(whole) if len(text) - len(whole) < LONGEST_CHARACTER else len(text)

    def _token_at(self, text: str, place: int) -> int:
        """Index of the held token that the character at `place` begins in; their number for the end."""
        offset = _size(text[:place])
        end = 0
        for index, piece in enumerate(self._held):
            end += len(piece)
            if offset < end:
                return index
        return len(self._held)


def _folded(text: str) -> str:
    """Lower case, letter by letter; a letter whose bytes would change in number stays as it is."""
    return "".join(low if _size(low) == _size(letter) else letter for letter in text for low in (letter.lower(),))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
