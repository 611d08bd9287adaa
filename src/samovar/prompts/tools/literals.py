"""Values as Python writes them: models do so where their templates leave it to Python."""

from __future__ import annotations

import ast

from samovar.prompts.parsing import Malformed
from samovar.prompts.tools.format import as_json

LONGEST = 64 * 1024
"""Characters of one value, or one call: Python's own parser reads them, which needs memory for each."""


def python_value(text: str) -> object:
    """What `text` means. Raises Malformed where it is no literal, or one that JSON has no word for."""
    if len(text) > LONGEST:
        raise Malformed
    try:
        return meaning(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Malformed from None


def meaning(node: ast.expr) -> object:
    """What `node` means. Raises Malformed as `python_value` does."""
    try:
        value: object = ast.literal_eval(node)
        as_json(value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise Malformed from None
    return value
