"""A small model that guesses for a large one: what it would say itself, token by token, while it is sure enough.

Owns the small model's engine and the one sequence in it. Knows nothing of what becomes of its guesses.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from samovar.core.engine import Batch, Engine
from samovar.core.errors import EngineFailed, InvalidInput

if TYPE_CHECKING:
    from samovar.core.engine import Logits

log = logging.getLogger(__name__)

CHUNK = 64
"""Tokens of a text that is new to it which it reads in one step, so that streams keep flowing meanwhile."""


class DraftModel:
    """Guesses for texts of `target`'s vocabulary. Raises InvalidInput where the vocabularies differ, or where the
    cache of the draft's architecture cannot be cut."""

    def __init__(self, engine: Engine, target: Engine) -> None:
        check_draft(engine, target)
        self._engine = engine
        self._known = min(engine.info.vocab_size, target.info.vocab_size)
        self._held: list[int] = []
        self._failed = False

    def guess(self, tokens: list[int], count: int, least: float) -> list[tuple[int, float]] | None:
        """Up to `count` likely next tokens with their probabilities by the draft model, as long as all of them
        together come with at least the probability `least`. None while it still reads `tokens`, where they do not
        fit its window, and once its engine has failed: then it is not asked again."""
        if self._failed or len(tokens) + count > self._engine.info.window:
            return None
        try:
            return self._guess(tokens, count, least)
        except EngineFailed as error:
            log.error("the draft model is switched off: %s", error)
            self._failed = True
            return None

    def _guess(self, tokens: list[int], count: int, least: float) -> list[tuple[int, float]] | None:
        self._cut(tokens)
        missing = tokens[len(self._held) :]
        if len(missing) > CHUNK:
            self._compute(missing[:CHUNK])
            return None
        guesses: list[tuple[int, float]] = []
        together, rows = 1.0, self._compute(missing)
        while True:
            token, chance = _likeliest(rows[-1][: self._known])
            together *= chance
            if together < least:
                return guesses
            guesses.append((token, chance))
            if len(guesses) == count:
                return guesses
            rows = self._compute([token])

    def close(self) -> None:
        self._engine.close()

    def _cut(self, tokens: list[int]) -> None:
        """Keeps of the cache what `tokens` begins with, but not its last token, whose logits are wanted."""
        shared = min(len(self._held), len(tokens) - 1)
        if self._held[:shared] != tokens[:shared]:
            shared = next(i for i in range(shared) if self._held[i] != tokens[i])
        if shared < len(self._held):
            self._engine.remove(0, shared)
            del self._held[shared:]

    def _compute(self, tokens: list[int]) -> Logits:
        """Logits after the last of `tokens`, float32 [1, vocabulary]."""
        start, count = len(self._held), len(tokens)
        batch = Batch(tokens, list(range(start, start + count)), [0] * count, [False] * (count - 1) + [True])
        rows = self._engine.decode(batch)
        self._held += tokens
        return rows


def check_draft(draft: Engine, target: Engine) -> None:
    """Raises InvalidInput where a token of one is another text in the other, or where the draft's cache cannot be
    cut. One vocabulary may be padded to a greater length than the other."""
    one, other = draft.info, target.info
    if not one.capabilities.can_remove_tail:
        raise InvalidInput("runtime.draft_cannot_cut", architecture=one.architecture)
    known = min(one.vocab_size, other.vocab_size)
    differs = next((i for i in range(known) if draft.piece(i) != target.piece(i)), None)
    if differs is not None:
        raise InvalidInput("runtime.draft_vocabulary", token=differs, draft=one.vocab_size, target=other.vocab_size)
    if set(one.end_tokens) != set(other.end_tokens):
        raise InvalidInput("runtime.draft_ends")


def _likeliest(row: Logits) -> tuple[int, float]:
    """(the likeliest token, its probability)."""
    token = int(row.argmax())
    return token, 1 / float(np.exp(row - row[token]).sum())
