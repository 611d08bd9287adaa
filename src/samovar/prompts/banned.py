"""Texts that must not come, watched for while tokens arrive, wherever the borders of the tokens lie.

Says how many of the newest tokens have to be taken back, and how many of the oldest can be shown: the rest may
become a banned text yet. Knows nothing of token ids or of how a token is taken back.
"""

from __future__ import annotations

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
        self._texts = tuple(self._fold(text) for text in texts if text)
        self._held: list[bytes] = []

    def push(self, piece: bytes) -> Finding:
        """Takes in one token's bytes. What the finding frees or takes back is held no longer."""
        self._held.append(piece)
        # surrogateescape keeps bytes of half a character, so that places in the text can be counted in bytes.
        text = self._fold(b"".join(self._held).decode("utf-8", "surrogateescape"))
        found = [place for banned in self._texts if (place := text.find(banned)) >= 0]
        if found:
            first = self._token_at(text, min(found))
            back = len(self._held) - first
            del self._held[first:]
            return Finding(0, back)
        free = self._token_at(text, self._first_doubt(text))
        del self._held[:free]
        return Finding(free, 0)

    def _first_doubt(self, text: str) -> int:
        """Where the longest end of `text` begins that a banned text may begin with; its length if none does. Half
        a character at the end may become any."""
        whole = text.rstrip(HALF)
        longest = max((len(banned) for banned in self._texts), default=0)
        for place in range(max(0, len(whole) - longest + 1), len(whole)):
            if any(banned.startswith(whole[place:]) for banned in self._texts):
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
