"""Which tokens the texts of past prompts and answers were made of, so that a drawn token keeps its id.

A history comes back as text, and one text can be spelled with different tokens: spelled anew, an answer may not be
the one that is in the cache. A prompt that begins with a remembered prompt and its whole answer therefore begins
with their tokens, and only the rest of it is tokenised. This works for every client, since it looks at nothing but
text.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from samovar.core.requests import Part

MOST_CHARACTERS = 8_000_000
"""Characters of remembered text, over all; the ones used longest ago go first."""

Parts = tuple[Part, ...]


class Spelling(NamedTuple):
    """What a text is spelled with, and the sessions that said it ("": somebody without one)."""

    tokens: tuple[int, ...]
    sessions: frozenset[str]


class Spellings:
    """Remembered texts with their tokens, each for as long as one of the sessions that said it is not forgotten."""

    def __init__(self, most: int = MOST_CHARACTERS) -> None:
        self._known: OrderedDict[Parts, Spelling] = OrderedDict()
        self._most = most
        self._held = 0

    def remember(self, prompt: Sequence[Part], answer: str, tokens: Sequence[int], session: str = "") -> None:
        """`tokens` spell `prompt` and, after it, `answer`; both were said in `session`."""
        self.add(joined((*prompt, Part(answer, special=True))), tuple(tokens), session)

    def add(self, parts: Parts, tokens: tuple[int, ...], session: str = "") -> None:
        """`tokens` spell `parts`, which are `joined`."""
        known = self._known.get(parts)
        if known is None:
            self._held += _length(parts)
        self._known[parts] = Spelling(tokens, (known.sessions if known else frozenset()) | {session})
        self._known.move_to_end(parts)
        while self._held > self._most:
            gone, _ = self._known.popitem(last=False)
            self._held -= _length(gone)

    def forget(self, session: str) -> None:
        """Forgets what was said in this session and in no other."""
        left = {parts: Spelling(one.tokens, one.sessions - {session}) for parts, one in self._known.items()}
        self._known = OrderedDict((parts, one) for parts, one in left.items() if one.sessions)
        self._held = sum(map(_length, self._known))

    def of(self, tokens: Sequence[int], session: str = "") -> tuple[Parts, tuple[int, ...]] | None:
        """A text that was said in the session and whose tokens begin with `tokens`, and those."""
        sought = tuple(tokens)
        return next(
            (
                (parts, one.tokens)
                for parts, one in reversed(self._known.items())
                if session in one.sessions and one.tokens[: len(sought)] == sought
            ),
            None,
        )

    def beginning(self, prompt: Sequence[Part]) -> tuple[tuple[int, ...], Parts]:
        """The tokens of the longest remembered text that `prompt` begins with, and the rest of it."""
        parts = joined(prompt)
        best = max((known for known in self._known if _begins(parts, known)), key=_length, default=())
        if not best:
            return (), parts
        self._known.move_to_end(best)
        last = len(best) - 1
        rest = Part(parts[last].text[len(best[last].text) :], parts[last].special)
        return self._known[best].tokens, ((rest,) if rest.text else ()) + parts[last + 1 :]


def joined(parts: Sequence[Part]) -> Parts:
    """The same prompt with as few parts as there can be."""
    merged: list[Part] = []
    for part in parts:
        if merged and merged[-1].special == part.special:
            merged[-1] = Part(merged[-1].text + part.text, part.special)
        elif part.text:
            merged.append(part)
    return tuple(merged)


def spelled(pieces: Sequence[bytes], text: str) -> tuple[int, str]:
    """(how many of the tokens, whose bytes are `pieces`, lie within `text`, the text of those). An answer's last
    tokens may hold more than was shown of it, or half a character."""
    shown, whole, end, good = text.encode(), 0, 0, 0
    for count, piece in enumerate(pieces, start=1):
        end += len(piece)
        if end > len(shown) or shown[end - len(piece) : end] != piece:
            break
        if end == len(shown) or shown[end] & 0xC0 != 0x80:
            whole, good = count, end
    return whole, shown[:good].decode()


def continues(tokens: list[int], text: str, piece: Callable[[int], bytes]) -> list[int] | None:
    """`tokens`, that `text` became by itself, as what goes on after other text: tokenizers that begin every text
    with a space must not do so here. None where that space is part of a token."""
    plain = b"".join(takewhile(bool, map(piece, tokens)))
    surplus = len(plain) - len(plain.lstrip(b" ")) - (len(text) - len(text.lstrip(" ")))
    if surplus <= 0:
        return tokens
    return tokens[1:] if piece(tokens[0]) == b" " else None


def _begins(parts: Parts, known: Parts) -> bool:
    last = len(known) - 1
    return (
        len(parts) >= len(known)
        and parts[:last] == known[:last]
        and parts[last].special == known[last].special
        and parts[last].text.startswith(known[last].text)
    )


def _length(parts: Parts) -> int:
    return sum(len(part.text) for part in parts)
