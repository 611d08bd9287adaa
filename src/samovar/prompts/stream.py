"""The text of one answer while its tokens arrive: whole characters, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Sequence

from samovar.prompts.detokenize import Detokenizer
from samovar.prompts.stops import StopScanner


class TextStream:
    """Token bytes in, text that may be shown out. The text is the same however the bytes are split."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._characters = Detokenizer()
        self._scanner = StopScanner(stops)

    def push(self, piece: bytes) -> tuple[str, str | None]:
        """(new text, the stop string that ended the text). After a stop string nothing more comes out."""
        return self._scanner.push(self._characters.push(piece))

    def flush(self) -> str:
        """What was held back, at the end of the answer: nothing after a stop string."""
        shown, _ = self._scanner.push(self._characters.flush())
        return shown + self._scanner.flush()
