"""How the commands about models write sizes, and texts that come out of a model file."""

from __future__ import annotations

from rich.console import Console

from samovar.core.catalogue import Language, say

_PIPE_WIDTH = 1000

_UNITS = (("library.gigabytes", 1e9), ("library.megabytes", 1e6), ("library.kilobytes", 1e3))


def table_console() -> Console:
    """Standard output for tables: as wide as the terminal; where there is none, lines are not folded."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def size_text(count: float, language: Language) -> str:
    """A number of bytes with three digits: "98.4 MB"."""
    for key, unit in _UNITS:
        if count >= unit:
            return say(key, language, value=f"{count / unit:.3g}" if count < 1000 * unit else f"{count / unit:.0f}")
    return say("library.bytes", language, value=int(count))


def count_text(count: int) -> str:
    """A number of parameters as the field writes it: "135M", "8.03B"."""
    for letter, unit in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return str(count)


def printable(text: str) -> str:
    """A text from a file without what could steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
