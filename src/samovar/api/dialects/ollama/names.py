"""Ollama's names for models, `name:tag`, and ours. What has no tag of its own is shown, and may be asked for, as
`name:latest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LATEST = ":latest"


def tagged(name: str) -> str:
    """Our name as Ollama's clients expect it. A colon behind the last slash is a tag already."""
    return name if ":" in name.rpartition("/")[2] else name + LATEST


def untagged(name: str) -> str:
    return name.removesuffix(LATEST)


def resolved(asked: str, installed: Sequence[str], aliases: Mapping[str, str]) -> str | None:
    """The installed model that `asked` means, whatever its case; None where there is none."""
    wanted = (asked, untagged(asked))
    known = {**{name: name for name in installed}, **aliases}
    for name in wanted:
        if name in known:
            return known[name]
    folded = {name.casefold(): model for name, model in known.items()}
    return next((folded[name.casefold()] for name in wanted if name.casefold() in folded), None)
