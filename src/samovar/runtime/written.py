"""What tokens are written as: the bytes of a text's tokens, the texts of control tokens."""

from __future__ import annotations

from functools import cached_property

from samovar.core.engine import Engine


class Written:
    """Called with a token: its bytes; of a control token those of its text."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, token: int) -> bytes:
        return self._engine.piece(token) or self._controls.get(token, b"")

    @cached_property
    def _controls(self) -> dict[int, bytes]:
        texts = self._engine.info.special_texts
        spelled = ((self._engine.tokenize(text, special=True), text.encode()) for text in texts)
        return {tokens[0]: text for tokens, text in spelled if len(tokens) == 1}
