"""Where any text may be cut before it is tokenised, so that the parts' tokens are those of the whole.

Tokenizers merge within words: no rule of a pre-tokenizer in use ends a word, or a mark behind one, with a space
that a letter follows. A vocabulary may still have tokens that hold such a space; its texts must not be cut.
"""

from __future__ import annotations

import re

_LETTERS = "A-Za-zÀ-ÖØ-öø-ʯЀ-ҁҊ-ԯ"
_ENDS = _LETTERS + "0-9.,!?:;'\"’”»)\\]*_~…"
_PARTIAL = "\ufffd"

_CUT = re.compile(f" (?=[{_LETTERS}])(?<=[{_ENDS}] )")
_CROSSING = re.compile(f"[{_ENDS}{_PARTIAL}] (?:[{_LETTERS}{_PARTIAL}]|$)")


def cut(text: str) -> list[str]:
    """The parts; each but the first had a space before it, which is left out. Joined by spaces they are `text`."""
    return _CUT.split(text)


def crosses(piece: bytes) -> bool:
    """Whether a token of these bytes could reach over a cut: it, or what it may be the beginning or the end of,
    holds a place to cut."""
    return bool(_CROSSING.search(piece.decode("utf-8", "replace")))
