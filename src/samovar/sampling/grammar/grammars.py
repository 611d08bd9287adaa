"""The grammars of one worker: compiled once each, followed by as many answers as ask for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass

from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from msgspec.structs import replace

from samovar.core.engine import Engine
from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint
from samovar.sampling.grammar.faults import refused
from samovar.sampling.grammar.follower import Follower
from samovar.sampling.grammar.forms import compose
from samovar.sampling.grammar.mask import Mask
from samovar.sampling.grammar.tokens import read_tokens

KEPT = 16
"""Compiled grammars: clients send the same few again and again."""

PATIENCE = 2.0
"""Seconds. Everybody's answers wait while a grammar is compiled; good ones take milliseconds."""

ABANDONED = 3
"""So many grammars that took too long may still be worked on: llguidance cannot be told to stop."""

STACK = 256 * 1024 * 1024
"""Bytes, for the thread that compiles: llguidance follows rules by recursion, up to 3 kB for each, and a text of
the largest size can hold 50 thousand. Only what is used becomes memory."""

_LIMITS = LLParserLimits(verbose_errors=False, step_max_items=1_000_000)
"""Twenty times the library's usual items a step: a recursive GBNF grammar over 262 thousand tokens takes them."""


@dataclass(frozen=True)
class Grammar:
    """A compiled grammar."""

    _matcher: LLMatcher
    _mask: Mask

    def follow(self) -> Follower:
        """A new answer at its beginning."""
        return Follower(self._matcher.deep_copy(), self._mask)

    def after(self, tokens: list[int]) -> Grammar:
        """The grammar where `tokens` have been said; what they make whole begins anew. Raises InvalidInput where
        they do not fit."""
        matcher = self._matcher.deep_copy()
        if not matcher.consume_tokens(tokens):
            raise InvalidInput("grammar.begun_otherwise")
        return self if matcher.is_stopped() else Grammar(matcher, self._mask)


class Grammars:
    """Compiles for one engine. The vocabulary is read when the first grammar is asked for (about 2 µs a token)."""

    def __init__(self, engine: Engine, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._patience = patience
        self._tokens: LLTokenizer | None = None
        self._mask = Mask(engine.info.vocab_size)
        self._kept: OrderedDict[Constraint, Grammar] = OrderedDict()
        self._compiler = ThreadPoolExecutor(ABANDONED + 1, thread_name_prefix="grammar")

    def grammar(self, constraint: Constraint) -> Grammar:
        """Raises InvalidInput, with the library's reason, for a grammar that is wrong, too large, or that no text
        of this model's tokens fits."""
        whole = replace(constraint, begun="")
        if whole not in self._kept:
            self._kept[whole] = Grammar(self._compile(whole), self._mask)
        self._kept.move_to_end(whole)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        found = self._kept[whole]
        return found.after(self._spelled(constraint.begun)) if constraint.begun else found

    def _spelled(self, text: str) -> list[int]:
        """Any tokens of `text`: a grammar knows bytes only."""
        assert self._tokens is not None
        return self._tokens.greedy_tokenize(text)

    def _compile(self, constraint: Constraint) -> LLMatcher:
        tokens = self._tokens = self._tokens or read_tokens(self._engine)
        text = compose(constraint, self._engine)

        matcher = self._patiently(lambda: _try(LLMatcher(tokens, text, log_level=0, limits=_LIMITS)))
        if matcher.is_error():
            raise refused(matcher, constraint.kind)
        return matcher

    def _patiently(self, work: Callable[[], LLMatcher]) -> LLMatcher:
        """In a thread of the compiler's, which may be made now: that is when its stack's size counts."""
        usual = threading.stack_size(STACK)
        try:
            return self._compiler.submit(work).result(self._patience)
        except TookTooLong:
            raise InvalidInput("grammar.too_slow", seconds=self._patience) from None
        finally:
            threading.stack_size(usual)


def _try(matcher: LLMatcher) -> LLMatcher:
    """Computes a first mask: what no text fits, and much of what takes too long, shows only there."""
    if not matcher.is_error():
        matcher.compute_bitmask()
    return matcher
