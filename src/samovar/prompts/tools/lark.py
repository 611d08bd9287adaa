"""How texts and marks are spelled in Lark, so that a grammar holds whether a mark is one of the model's control
tokens or text: which it is only the worker knows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

ANYTHING = "(?s:.*)"


LONGEST_TEXT = 10_000
"""Characters up to which a schema's limit is held to: a lexeme has a state for each."""


def some_text(schema: Mapping[str, object]) -> str:
    """A regular expression for the texts that `schema` allows, so far as their length goes."""
    most = schema.get("maxLength")
    return f"(?s:.{{0,{most}}})" if isinstance(most, int) and 0 <= most <= LONGEST_TEXT else ANYTHING


class Marks:
    """Texts that may be control tokens, in the order in which the worker is told of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(dict.fromkeys(texts))
        longest = sorted(self.texts, key=len, reverse=True)
        self._pattern = re.compile(f"({'|'.join(map(re.escape, longest)) or '(?!)'})")

    def __call__(self, text: str) -> str:
        """`text` in Lark. Where its mark is text, it is one lexeme with what stands before it: else the lexer would
        have to know that the mark follows before it reads that."""
        pieces = self.cut(text)
        spelled = " ".join(
            f"mark_{self.texts.index(piece)}" if piece in self.texts else quoted(piece) for piece in pieces
        )
        return f"({quoted(text)} | {spelled})" if len(pieces) > 1 and pieces[0] not in self.texts else spelled

    def cut(self, text: str) -> list[str]:
        """The marks in `text`, and what stands before, between and behind them."""
        return [piece for piece in self._pattern.split(text) if piece]

    def until(self, mark: str) -> str:
        """Anything up to `mark`, and it."""
        return f"until_{self.texts.index(mark)}"

    def up_to(self, name: str, end: str, some: str = ANYTHING) -> list[str]:
        """Rules that define `name` as anything up to `end`, and it: a text with at most one mark inside. `some`: a
        regular expression for what there may be, with all its beginnings."""
        before, mark, behind = self._around(end)
        lexeme = name.upper()
        rules = [f"{name}_text[lazy]: {lexeme} {quoted(end)}", f"{lexeme}: /{some}/"]
        if not mark:
            return [f"{name}: {name}_text", *rules]
        token = f"{name}_token: {lexeme}_BEFORE {self(mark + behind)}"
        return [
            f"{name}: {name}_text | {name}_token",
            *rules,
            token,
            f"{lexeme}_BEFORE: /({some}){_escaped(before)}/",
        ]

    def _around(self, text: str) -> tuple[str, str, str]:
        """What of `text` is before, in, and behind its mark; ("", "", "") where it has none."""
        found = self._pattern.search(text)
        return (text[: found.start()], found[0], text[found.end() :]) if found else ("", "", "")


def _escaped(text: str) -> str:
    """`text` in a regular expression between slashes."""
    return re.escape(text).replace("/", r"\/")


def quoted(text: str) -> str:
    """`text` as a string in Lark."""
    return json.dumps(text, ensure_ascii=False)


def unlike(marks: Sequence[str], behind: str = "", nor: str = r"\s") -> str:
    """A regular expression for texts that begin with none of `marks`, and with no space (`nor`): up to the
    character in which they differ from all of them, then `behind`; or a mark's beginning, if that is all."""
    heads = sorted({mark[0] for mark in marks})
    tails = ([mark[1:] for mark in marks if mark[0] == head] for head in heads)
    other = f"[^{''.join(map(_escaped, heads))}{nor}]{behind}"
    begun = (
        f"{_escaped(head)}({unlike(tail, behind, '')})?"
        for head, tail in zip(heads, tails, strict=True)
        if all(tail)
    )
    return "|".join([other, *begun])
