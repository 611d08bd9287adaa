"""Bodies that no client should send and some do, for hypothesis."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

WORDS = ("role", "content", "type", "text", "name", "id", "input", "arguments", "output", "format", "schema")


def json_values(names: Iterable[str]) -> st.SearchStrategy[object]:
    """Any JSON, its objects with `names` among their keys."""
    known = st.sampled_from(sorted({*names, *WORDS}))
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from([-(2**63), 2**63, 2**64, 10**400, 0, -1, 1])
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | known,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | known, inner, max_size=4),
        max_leaves=12,
    )


def bodies(names: Iterable[str]) -> st.SearchStrategy[dict[str, object]]:
    """Objects of fields by `names`, with any values."""
    return st.dictionaries(st.sampled_from(sorted(names)), json_values(names), max_size=6)
