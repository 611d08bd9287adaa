"""Titles of conversations that nobody has named."""

from __future__ import annotations

LONGEST = 60


def title_of(content: str) -> str:
    """The first line of `content` that says something, cut at a word's end; "" where none does."""
    line = next((line for line in content.splitlines() if line.strip()), "")
    words = " ".join(line.split())
    if len(words) <= LONGEST:
        return words
    head, space, _ = words[:LONGEST].rpartition(" ")
    return (head if space else words[: LONGEST - 1]) + "…"
