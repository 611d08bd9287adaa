"""What needs nothing of the loop: the tokens of texts and the bytes of tokens, answered while it computes.

Clients count tokens at every keystroke; a step of the engine may take longer than their patience. A vocabulary is
only read, so that another thread may ask it during a step.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from samovar.core.engine import Engine
from samovar.core.errors import SamovarError
from samovar.core.requests import Part
from samovar.runtime.frames import FromWorker, Refused, Spell, Tokenize, Tokens, ToWorker
from samovar.runtime.prompt import Prompts

REMEMBERED, LONGEST = 64, 65_536
"""Texts whose tokens are kept for when they are asked for again, and the characters of the longest of them."""

Texts = tuple[tuple[Part, ...], bool]
Spelled = tuple[tuple[int, ...], tuple[bytes, ...]]


def tokens_for(frame: Tokenize | Spell, prompts: Prompts, engine: Engine) -> Tokens | Refused:
    """What the frame asks for."""
    try:
        if isinstance(frame, Tokenize):
            tokens = tuple(prompts.tokenize(frame.parts, bos=frame.bos))
        else:
            tokens = tuple(token for token in frame.tokens if 0 <= token < engine.info.vocab_size)
        return Tokens(frame.id, tokens, tuple(map(engine.piece, tokens)))
    except SamovarError as error:
        return Refused(frame.id, error.value())


class Aside:
    """Between `open` and `close` answers by `emit` what it can; `take` is called by one thread, which need not be
    that of the other two."""

    def __init__(self, emit: Callable[[FromWorker], None]) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._prompts: Prompts | None = None
        self._recent: OrderedDict[Texts, Spelled] = OrderedDict()

    def open(self, engine: Engine) -> None:
        with self._lock:
            self._engine, self._prompts = engine, Prompts(engine)

    def close(self) -> None:
        """The engine is not used any more when this returns."""
        with self._lock:
            self._engine = None

    def take(self, frame: ToWorker) -> bool:
        """False: the frame is somebody else's."""
        if not (isinstance(frame, Spell) or (isinstance(frame, Tokenize) and frame.fresh)):
            return False
        with self._lock:
            if self._engine is None or self._prompts is None:
                return False
            self._emit(self._answer(frame, self._prompts, self._engine))
        return True

    def _answer(self, frame: Tokenize | Spell, prompts: Prompts, engine: Engine) -> Tokens | Refused:
        if isinstance(frame, Spell):
            return tokens_for(frame, prompts, engine)
        known = self._recent.get((frame.parts, frame.bos))
        if known is not None:
            self._recent.move_to_end((frame.parts, frame.bos))
            return Tokens(frame.id, *known)
        answer = tokens_for(frame, prompts, engine)
        if isinstance(answer, Tokens) and sum(len(part.text) for part in frame.parts) <= LONGEST:
            self._recent[frame.parts, frame.bos] = answer.tokens, answer.pieces
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        return answer
