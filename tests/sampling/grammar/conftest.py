"""A vocabulary with tokens of several bytes, and answers of a model that knows nothing: its logits are noise."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from samovar.core.engine import EngineInfo, LoadSpec
from samovar.core.requests import Constraint
from samovar.engines.echo import EchoEngine, Script
from samovar.sampling.grammar import Grammars

WORDS = tuple(
    text.encode() for text in ['{"', '":', '": "', '", ', '"}', "true", "null", "12", "ю", " да", "\n\t\t", "ab"]
)
VOCAB_SIZE = 259 + len(WORDS)


class WordyEngine(EchoEngine):
    """The echo engine's bytes and control tokens, and `WORDS` behind them. `lacking`: tokens that write nothing."""

    def __init__(self, lacking: frozenset[int] = frozenset(), *, ends: bool = True) -> None:
        super().__init__(LoadSpec(engine="echo", path="echo", window=64, cells=64, parallel=1), Script())
        self._lacking = lacking
        self._ends = ends

    @property
    def info(self) -> EngineInfo:
        ends = super().info.end_tokens if self._ends else ()
        return msgspec.structs.replace(super().info, vocab_size=VOCAB_SIZE, end_tokens=ends)

    def piece(self, token: int) -> bytes:
        if token in self._lacking:
            return b""
        return WORDS[token - 259] if token >= 259 else super().piece(token)


@dataclass
class Told:
    """What a model without sense says under a grammar. `whole`: the grammar, or an end token, ended it."""

    text: bytes
    whole: bool


class Babbler:
    """Follows grammars with random logits."""

    def __init__(self, engine: WordyEngine) -> None:
        self.engine = engine
        self.grammars = Grammars(engine)

    def say(self, constraint: Constraint, seed: int = 0, longest: int = 2000) -> Told:
        random = np.random.default_rng(seed)
        follower, text = self.grammars.grammar(constraint).follow(), b""
        for _ in range(longest):
            token = int(follower.masked(noise(random)).argmax())
            if token in self.engine.info.end_tokens:
                return Told(text, whole=True)
            follower.advance(token)
            text += self.engine.piece(token)
            if follower.complete:
                return Told(text, whole=True)
        return Told(text, whole=False)

    def takes(self, constraint: Constraint, text: str) -> bool:
        """Whether `text`, byte by byte, fits the grammar and is whole."""
        follower = self.grammars.grammar(constraint).follow()
        zeros = np.zeros(VOCAB_SIZE, dtype=np.float32)
        for byte in text.encode():
            if follower.complete or follower.masked(zeros)[byte] < 0:
                return False
            follower.advance(byte)
        return follower.complete or bool((follower.masked(zeros)[list(self.engine.info.end_tokens)] == 0).all())


def noise(random: np.random.Generator) -> npt.NDArray[np.float32]:
    return random.standard_normal(VOCAB_SIZE).astype(np.float32)


@pytest.fixture(scope="session")
def babbler() -> Babbler:
    return Babbler(WordyEngine())
