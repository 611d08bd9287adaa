"""How likely the tokens of a prompt were to the model: collected as the logits after each of them come.

Knows rows of logits and how tokens are written; not how they were computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from samovar.core.events import Alternative, PromptTokens, TokenDetail
from samovar.sampling.sampler import model_logprobs

if TYPE_CHECKING:
    from samovar.sampling.guidance import Logits as Row


class Scores:
    """Of one prompt. `top`: alternatives a token; `vocabulary`: length of a row; `write`: a token's bytes."""

    def __init__(self, prompt: Sequence[int], top: int, vocabulary: int, write: Callable[[int], bytes]) -> None:
        self._prompt = tuple(prompt)
        self._top = top
        self._vocabulary = vocabulary
        self._write = write
        self._details = [TokenDetail(self._prompt[0], write(self._prompt[0]))]
        self._ended = False

    def take(self, start: int, rows: Sequence[Row]) -> PromptTokens | None:
        """`rows`: the logits after the tokens from position `start` on, where those of some may have come before.
        All of it, once, with the last row. Raises EngineFailed for logits that are no numbers."""
        for row, follows in zip(rows, range(start + 1, len(self._prompt)), strict=False):
            if follows == len(self._details):
                self._details.append(self._detail(row, self._prompt[follows]))
        ended = not self._ended and start + len(rows) >= len(self._prompt)
        self._ended = self._ended or ended
        return PromptTokens(tuple(self._details)) if ended else None

    def _detail(self, row: Row, token: int) -> TokenDetail:
        logprob, top = model_logprobs(row, self._vocabulary, token, self._top)
        return TokenDetail(
            token, self._write(token), logprob, tuple(Alternative(i, self._write(i), p) for i, p in top)
        )
