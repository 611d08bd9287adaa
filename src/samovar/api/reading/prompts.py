"""Prompts as clients spell them: a text, token ids, or several of either. Knows no tokenizer."""

from __future__ import annotations

from samovar.api.reading.body import Fields
from samovar.api.reading.sampling import MOST_TOKENS

Prompt = str | tuple[int, ...]


def read_prompts(fields: Fields, name: str = "prompt") -> list[Prompt]:
    """One prompt or several, each a text or token ids: a flat list of numbers is one prompt. Raises
    InvalidParameter, also where there is none."""
    value = fields.take(name)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise fields.missing(name) if value in (None, []) else fields.wrong(name, "string or array", value)
    if are_tokens(value):
        return [tuple(value)]
    return [_prompt(fields, f"{name}[{i}]", item) for i, item in enumerate(value)]


def are_tokens(value: list[object]) -> bool:
    """Whether all of `value` can be token ids."""
    return all(type(token) is int and 0 <= token <= MOST_TOKENS for token in value)


def _prompt(fields: Fields, name: str, value: object) -> Prompt:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and are_tokens(value):
        return tuple(value)
    raise fields.wrong(name, "string or array of token ids", value)
