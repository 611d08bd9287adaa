"""Bytes of tokens to text, while they arrive: a character may be spread over several tokens."""

from __future__ import annotations

import codecs

_DECODER = codecs.getincrementaldecoder("utf-8")


class Detokenizer:
    """Incremental UTF-8. Bytes that cannot become a character turn into U+FFFD as soon as that is certain, one for
    each maximal broken piece (Unicode 15, section 3.9), so the text does not depend on how the bytes are split."""

    def __init__(self) -> None:
        self._decoder = _DECODER("replace")

    def push(self, piece: bytes) -> str:
        """The characters that `piece` completes."""
        return self._decoder.decode(piece)

    def flush(self) -> str:
        """What an unfinished character at the end becomes: U+FFFD, or nothing."""
        return self._decoder.decode(b"", final=True)
