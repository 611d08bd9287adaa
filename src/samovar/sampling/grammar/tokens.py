"""llguidance's view of an engine's vocabulary: every token as the bytes that it writes."""

from __future__ import annotations

from collections.abc import Sequence

from llguidance import LLTokenizer, TokenizerWrapper

from samovar.core.engine import Engine


class _Pieces:
    """What llguidance reads a vocabulary from."""

    bos_token_id: int | None = None

    def __init__(self, tokens: Sequence[bytes], end: int) -> None:
        self.tokens = tokens
        self.eos_token_id = end
        self.special_token_ids = [end]

    def __call__(self, _text: object, /) -> list[int]:
        """Only spells out forced text, which no grammar here has: the model chooses its own spelling."""
        return []


def read_tokens(engine: Engine) -> LLTokenizer:
    """The vocabulary, and behind it one token of llguidance's own: the end, for models that have no end token.

    End tokens write nothing even where the file gives them a text, or they could end an answer inside a string.
    """
    info = engine.info
    ends = frozenset(info.end_tokens)
    pieces = [b"" if token in ends else engine.piece(token) for token in range(info.vocab_size)]
    own_end = info.vocab_size
    return LLTokenizer(
        TokenizerWrapper(_Pieces([*pieces, b"end"], own_end)),
        n_vocab=info.vocab_size + 1,
        eos_token=[own_end, *info.end_tokens],
    )
