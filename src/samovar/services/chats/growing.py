"""A text that grows piece by piece, and is asked for now and then."""

from __future__ import annotations


class Growing:
    """Adding costs no more for a long text than for a short one; asked twice without a change between, it gives the
    same object."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._length = len(text)

    def add(self, piece: str) -> int:
        """Where in the text `piece` begins: counted in characters (code points)."""
        offset = self._length
        self._pieces.append(piece)
        self._length += len(piece)
        return offset

    def text(self) -> str:
        if self._pieces:
            self._text += "".join(self._pieces)
            self._pieces.clear()
        return self._text
