"""What llguidance says when it gives up, as our own errors."""

from __future__ import annotations

from llguidance import LLMatcher

from samovar.core.errors import InvalidInput
from samovar.core.requests import GrammarKind

LONGEST_REASON = 300

NOTHING_FITS = "NoExtension"
"""How llguidance's message begins where no token can come next and the text is not whole."""


def refused(matcher: LLMatcher, kind: GrammarKind) -> InvalidInput:
    """Why a new matcher is in its error state."""
    reason = _reason(matcher)
    if reason.startswith(NOTHING_FITS):
        return InvalidInput("grammar.impossible")
    return InvalidInput(f"grammar.bad_{kind}", reason=reason)


def stuck(matcher: LLMatcher, length: int) -> InvalidInput:
    """Why a matcher got into its error state after `length` tokens of an answer."""
    reason = _reason(matcher)
    if reason.startswith(NOTHING_FITS):
        return InvalidInput("grammar.dead_end", tokens=length)
    return InvalidInput("grammar.too_complex", tokens=length, reason=reason)


def _reason(matcher: LLMatcher) -> str:
    """llguidance's own words without its picture of the grammar."""
    lines = [line.strip() for line in matcher.get_error().splitlines()]
    words = " ".join(line for line in lines if line and line != "<non-verbose/>" and not _pictures(line))
    return words[:LONGEST_REASON].rstrip(". ")


def _pictures(line: str) -> bool:
    number, bar, _ = line.partition(" | ")
    return line == "^" or (bool(bar) and number.isdigit())
