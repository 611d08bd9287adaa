"""Parts of long lists, as clients ask for them in an address: so many items, after or before one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from samovar.api.reading.body import Fields

T = TypeVar("T")


def page_of(
    items: Sequence[T],
    id_of: Callable[[T], str],
    query: Mapping[str, str],
    *,
    after: str = "after",
    before: str = "before",
    usual: int,
    most: int,
) -> tuple[Sequence[T], bool]:
    """(the items asked for, whether there are more in that direction). `after` and `before` are the query's names
    for an item's id; an id that is not there is as if none was given. Raises InvalidParameter, OutOfRange."""
    limit = read_limit(query, most) or usual
    places = {id_of(item): place for place, item in enumerate(items)}
    last = places.get(query.get(before, ""))
    if last is not None:
        return items[max(0, last - limit) : last], last > limit
    first = places.get(query.get(after, ""), -1) + 1
    return items[first : first + limit], len(items) > first + limit


def read_limit(query: Mapping[str, str], most: int) -> int | None:
    text = query.get("limit")
    number = int(text) if text is not None and text.isdecimal() and len(text) < 9 else text
    return Fields({"limit": number}).whole("limit", 1, most)
