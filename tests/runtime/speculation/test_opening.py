"""What a loaded model may have guessed for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from samovar.core.engine import LoadSpec, Setting
from samovar.engines.echo import open_echo
from samovar.runtime.speculation.opening import most_guesses


@pytest.mark.parametrize(
    ("rows", "micro_batch", "most"), [(0, None, 30), (0, 24, 23), (4, None, 3), (9, 24, 8), (4, 2, 1)]
)
def test_no_more_is_guessed_than_is_verified_in_one_batch_without_slowing_later_tokens(
    rows: int, micro_batch: int | None, most: int
) -> None:
    spec = LoadSpec(engine="echo", path="echo", window=128, cells=256, parallel=1)
    way = None if micro_batch is None else Setting("ik", micro_batch, flash=False)
    info = replace(open_echo(spec, lambda _: True).info, rows=rows, setting=way)
    assert most_guesses(info) == most
