"""As much of an engine as grammars look at: a token for each byte, and one for each control token."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llguidance import TokenizerWrapper


class _Pieces:
    bos_token_id: int | None = None

    def __init__(self, tokens: list[bytes], end: int) -> None:
        self.tokens, self.eos_token_id, self.special_token_ids = tokens, end, [end]

    def __call__(self, _text: object, /) -> list[int]:
        return []


class BytesEngine:
    """`controls`: the texts of its control tokens, which have no bytes."""

    def __init__(self, controls: Sequence[str]) -> None:
        self._controls = {text: 256 + place for place, text in enumerate(controls)}
        self._pattern = re.compile("|".join(map(re.escape, controls)) or "(?!)")
        self.size = 256 + len(controls) + 1

    def tokenizer(self) -> TokenizerWrapper:
        pieces = [self.piece(token) for token in range(self.size - 1)]
        return TokenizerWrapper(_Pieces([*pieces, b"end"], self.size - 1))

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        assert special and not bos
        tokens, start = [], 0
        for found in self._pattern.finditer(text):
            tokens += [*text[start : found.start()].encode(), self._controls[found[0]]]
            start = found.end()
        return [*tokens, *text[start:].encode()]

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < 256 else b""
