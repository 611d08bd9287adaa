"""What needs nothing of the loop: the tokens of texts and the bytes of tokens, answered while it computes.

Clients count tokens at every keystroke; a step of the engine may take longer than their patience. A vocabulary is
only read, so that another thread may ask it during a step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from samovar.core.engine import Engine
from samovar.core.errors import SamovarError
from samovar.runtime.frames import FromWorker, Pieces, Refused, Spell, Tokenize, Tokens, ToWorker
from samovar.runtime.prompt import anew
from samovar.runtime.wordwise import WordMemory
from samovar.runtime.written import Written


def answer_to(
    frame: Tokenize | Spell, tokenize: Callable[[Tokenize], list[int]], engine: Engine
) -> Tokens | Pieces | Refused:
    """What the frame asks for."""
    try:
        if isinstance(frame, Tokenize):
            return Tokens(frame.id, tuple(tokenize(frame)))
        tokens = tuple(token for token in frame.tokens if 0 <= token < engine.info.vocab_size)
        return Pieces(frame.id, tokens, tuple(map(engine.piece, tokens)))
    except SamovarError as error:
        return Refused(frame.id, error.value())


class Aside:
    """Between `open` and `close` answers by `emit` what it can; `take` is called by one thread, which need not be
    that of the other two."""

    def __init__(self, emit: Callable[[FromWorker], None]) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._words: WordMemory | None = None

    def open(self, engine: Engine) -> None:
        with self._lock:
            self._engine, self._words = engine, WordMemory(engine, Written(engine))

    def close(self) -> None:
        """The engine is not used any more when this returns."""
        with self._lock:
            self._engine = self._words = None

    def take(self, frame: ToWorker) -> bool:
        """False: the frame is somebody else's."""
        if not (isinstance(frame, Spell) or (isinstance(frame, Tokenize) and frame.fresh)):
            return False
        with self._lock:
            engine, words = self._engine, self._words
            if engine is None or words is None:
                return False
            text = engine.info.bos_text
            self._emit(answer_to(frame, lambda it: anew(words, it.parts, bos=it.bos, bos_text=text), engine))
        return True
