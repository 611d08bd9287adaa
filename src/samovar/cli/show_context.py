"""What `samovar show` says of a model's context: how far a window stretches it, and the KV cache in each type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from rich.table import Table
from rich.text import Text

from samovar.cli.figures import size_text
from samovar.core.catalogue import Language, say
from samovar.hub.outlook import CacheCost, Outlook


def context_parts(found: Outlook, language: Language) -> Iterator[Table | Text]:
    """The table of cache types, and what is to be said of the window."""
    yield _cache_table(found, language)
    for note in found.notes:
        yield Text(say(note.key, language, **note.facts))


def plain_context(found: Outlook) -> Mapping[str, object]:
    """The same for a script."""
    return {
        "window": found.window,
        "alpha": found.alpha,
        "suggested": {"alpha": found.suggested, "base": found.suggested_base},
        "base": found.base,
        "cache": msgspec.to_builtins(found.cache),
    }


def _cache_table(found: Outlook, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("library.kv_cache", language, window=found.window))
    for heading in ("size", "saved"):
        table.add_column(say(f"library.{heading}", language), justify="right")
    for cost in found.cache:
        table.add_row(cost.type, size_text(cost.size, language), _saved(cost, found.cache[0]))
    return table


def _saved(cost: CacheCost, exact: CacheCost) -> str:
    return f"{1 - cost.size / exact.size:.0%}" if exact.size else "–"
