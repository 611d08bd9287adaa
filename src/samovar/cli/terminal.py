"""What a long-running command says to the person who started it: a few lines, in their language."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from samovar.cli.options import terminal_language
from samovar.core.catalogue import Fact, say
from samovar.core.engine import Note
from samovar.core.errors import ErrorValue


class Terminal:
    """Standard output with a little style where it is a terminal, and plain lines where it is not."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._language = terminal_language()

    def say(self, key: str, /, style: str | None = None, **facts: Fact) -> None:
        self._line(say(key, self._language, **facts), style)

    def notes(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self._line(say(note.key, self._language, **note.facts), "yellow")

    def error(self, error: ErrorValue) -> None:
        self._line(error.text(self._language), "red")

    def _line(self, text: str, style: str | None) -> None:
        self._console.print(text, style=style, markup=False)
        # Whoever reads this through a pipe waits for the address.
        self._console.file.flush()
