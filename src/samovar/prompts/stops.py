"""Stop strings in a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopScanner:
    """Passes text on up to the first stop string.

    The stop string that is complete first ends the text; of several that end at the same character, the longest.
    The end of the text that could still become a stop string is held back, and nothing more than that.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(sorted({stop for stop in stops if stop}, key=len, reverse=True))
        self._held = ""
        self._hit: str | None = None

    def push(self, text: str) -> tuple[str, str | None]:
        """(text that may be shown, the stop string that was met). After a hit nothing more comes out."""
        if self._hit is not None:
            return "", self._hit
        text = self._held + text
        ends = [(start + len(stop), stop) for stop in self._stops if (start := text.find(stop)) >= 0]
        if ends:
            end, self._hit = min(ends, key=lambda found: found[0])
            self._held = ""
            return text[: end - len(self._hit)], self._hit
        shown = len(text) - max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[shown:]
        return text[:shown], None

    def flush(self) -> str:
        """The text that was held back, once it is certain that nothing follows."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`, but not all of it."""
    longest = min(len(stop) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)
