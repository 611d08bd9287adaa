"""Texts of a wanted length that no cache has seen, the same in every run: words of a passage, drawn by a key."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

SENTENCE = 12
"""Words."""


@dataclass(frozen=True)
class Texts:
    """`per_word`: tokens that the model's tokenizer makes of a word, on average."""

    words: tuple[str, ...]
    per_word: float

    def of_words(self, count: int, *key: object) -> str:
        draw = random.Random(repr(key))
        chosen = [draw.choice(self.words) for _ in range(count)]
        sentences = (chosen[start : start + SENTENCE] for start in range(0, count, SENTENCE))
        return " ".join(" ".join(sentence).capitalize() + "." for sentence in sentences)

    def of_tokens(self, count: int, *key: object) -> str:
        """About `count` tokens."""
        return self.of_words(round(count / self.per_word), *key)

    def chat(self, tokens: int, *key: object) -> list[dict[str, str]]:
        """A chat of about `tokens` tokens that waits for an answer: messages of some 150 tokens in turn."""
        count = max(1, tokens // 300) * 2 - 1
        roles = ("user", "assistant")
        return [{"role": roles[i % 2], "content": self.of_tokens(tokens // count, *key, i)} for i in range(count)]


def words_of(file: Path) -> tuple[str, ...]:
    """The words of a text file, without marks, each as often as it stands there."""
    written = file.read_text(encoding="utf-8")[:200_000].split()
    return tuple(word for word in (part.strip(".,;:!?\"'()“”@=-").lower() for part in written) if word.isalpha())
