"""What is asked of a model that fills in: a text's beginning and end between the marks it was taught with.

The order is that of the model (`Infill.suffix_first`); other files come first, as Bavarian et al. 2022 ("Efficient
training of language models to fill in the middle") and Qwen2.5-Coder's report lay them out. What stands in the
texts is never read as control tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from samovar.core.engine import Infill
from samovar.core.requests import Part, SourceFile

PROJECT, NAMELESS = "project", "file"
"""Names for what is not named to us; models were taught with some name in these places."""


def infill(marks: Infill, before: str, after: str, files: Sequence[SourceFile] = ()) -> tuple[Part, ...]:
    """The prompt after which the model writes what stands between `before` and `after`."""
    beginning, end = [_mark(marks.prefix), _text(before)], [_mark(marks.suffix), _text(after)]
    sides = [*end, *beginning] if marks.suffix_first else [*beginning, *end]
    parts = [*_project(marks, files), *sides, _mark(marks.middle)]
    return tuple(part for part in parts if part.text)


def _project(marks: Infill, files: Sequence[SourceFile]) -> list[Part]:
    """The other files, and where the one that is filled in begins."""
    if not files:
        return []
    if not marks.file:
        return [_text("".join(f"{file.text}\n\n" for file in files))]
    named = [part for file in files for part in (_mark(marks.file), _text(f"{file.name}\n{file.text}\n"))]
    opening = [_mark(marks.repository), _text(f"{PROJECT}\n")] if marks.repository else []
    return [*opening, *named, _mark(marks.file), _text(f"{NAMELESS}\n")]


def _mark(text: str) -> Part:
    return Part(text, special=True)


def _text(text: str) -> Part:
    return Part(text, special=False)
