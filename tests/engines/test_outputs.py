"""How many rows of logits a step may give: what is cleared for them later stays a small share of a token."""

from __future__ import annotations

import pytest

from samovar.engines.llama.outputs import rows_at_ease


@pytest.mark.parametrize(
    ("build", "vocabulary", "model", "rows"),
    [
        ("ik", 49_152, 98_600_000, 10),
        ("ik-native", 262_144, 253_000_000, 4),
        ("ik", 128_256, 4_700_000_000, 183),
        ("ik", 262_144, 30_000_000, 2),
        ("mainline", 262_144, 253_000_000, 0),
    ],
)
def test_rows_are_few_where_their_room_is_large_beside_the_model(
    build: str, vocabulary: int, model: int, rows: int
) -> None:
    assert rows_at_ease(build, vocabulary, model) == rows
