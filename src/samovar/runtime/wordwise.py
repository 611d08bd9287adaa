"""Tokenises as an engine does, and remembers the tokens of words: most of a new text was met before.

What is not remembered is tokenised in one call, as a text that is cut at the same kind of places, and then taken
apart by the bytes that its tokens stand for. Where those do not end where the words end, the engine tokenises the
whole text and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise

from samovar.core.engine import Engine
from samovar.core.wordcuts import cut

MOST_WORDS, LONGEST_WORD = 50_000, 64
"""Words that are remembered, before that begins anew, and characters of the longest of them."""

Words = dict[str, tuple[int, ...]]


class WordMemory:
    """`written`: a token's bytes; of a control token those of its text."""

    def __init__(self, engine: Engine, written: Callable[[int], bytes], most: int = MOST_WORDS) -> None:
        self._engine = engine
        self._written = written
        self._most = most
        self._known: dict[bool, Words] = {False: {}, True: {}}

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        """As `Engine.tokenize`."""
        start = self._engine.tokenize("", special=special, bos=bos)
        head, *words = cut(text)
        if not words or not self._engine.cuts_at_words():
            return start + self._engine.tokenize(text, special=special)
        known = self._known[special]
        # The head is never remembered: some tokenizers put a space before a text.
        texts = [head, *(word for word in dict.fromkeys(words) if word not in known)]
        tokens = self._engine.tokenize(" ".join(texts), special=special)
        parts = apart(texts, tokens, self._written)
        if parts is None:
            return start + self._engine.tokenize(text, special=special)
        known.update(zip(texts[1:], parts[1:], strict=True))
        whole = [*start, *parts[0], *chain.from_iterable(map(known.__getitem__, words))]
        self._trim(known, texts[1:])
        return whole

    def _trim(self, known: Words, new: Sequence[str]) -> None:
        """Forgets the long ones of the `new` words, and all that came before where there are too many."""
        if len(known) > self._most:
            kept = {word: known[word] for word in new[: self._most]}
            known.clear()
            known.update(kept)
        for word in new:
            if len(word) > LONGEST_WORD:
                known.pop(word, None)


def apart(
    texts: Sequence[str], tokens: Sequence[int], written: Callable[[int], bytes]
) -> list[tuple[int, ...]] | None:
    """The tokens of each of `texts`, given those of all of them joined by spaces; None where one does not end where
    a text ends. A space that the tokenizer put before them all belongs to the first."""
    lengths = [len(text.encode("utf-8", "replace")) + (i > 0) for i, text in enumerate(texts)]
    ends = list(accumulate(len(written(token)) for token in tokens))
    before = (ends[-1] if ends else 0) - sum(lengths)
    if before not in (0, 1):
        return None
    places = {end: count for count, end in enumerate(ends, start=1)}
    cuts = [0, *(places.get(before + end, -1) for end in accumulate(lengths))]
    return None if -1 in cuts else [tuple(tokens[start:end]) for start, end in pairwise(cuts)]
