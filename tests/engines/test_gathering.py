"""Streams are computed together where that is faster, and each in its own context where it is not."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed
from samovar.engines.llama.parts import joined, parts_of
from samovar.engines.llama.state import is_empty, turn_values
from samovar.engines.llama.worth import ENOUGH, Worth


def run(worth: Worth, tokens: list[int], alone: float, together: float, steps: int) -> list[bool]:
    """What is said in so many steps of a machine that takes so long for a stream, or for all of them at once."""
    said = []
    for _ in range(steps):
        said.append(worth.say(tokens))
        if said[-1]:
            worth.took_together(tokens, together)
        else:
            for one in tokens:
                worth.took_alone(one, alone)
    return said


def test_streams_that_are_faster_together_stay_together() -> None:
    said = run(Worth(), [400] * 4, alone=10.0, together=20.0, steps=40)
    assert not said[0] and all(said[ENOUGH:])


def test_streams_that_are_faster_apart_are_tried_together_once() -> None:
    said = run(Worth(), [400] * 8, alone=5.0, together=50.0, steps=60)
    assert sum(said) == ENOUGH and not any(said[2 * ENOUGH :])


def test_a_gain_that_is_hardly_one_moves_nobody() -> None:
    worth = Worth()
    run(worth, [400] * 2, alone=5.0, together=10.5, steps=3 * ENOUGH)
    assert not any(run(worth, [400] * 2, alone=5.5, together=10.5, steps=3 * ENOUGH))
    assert all(run(worth, [400] * 2, alone=6.0, together=10.5, steps=3 * ENOUGH)[ENOUGH:])


def test_what_was_seen_of_some_streams_holds_for_one_more() -> None:
    worth = Worth()
    run(worth, [400] * 4, alone=10.0, together=100.0, steps=3 * ENOUGH)
    assert not any(run(worth, [450] * 5, alone=10.0, together=100.0, steps=5))


def test_longer_streams_may_be_faster_apart_again() -> None:
    worth = Worth()
    assert all(run(worth, [100] * 4, alone=10.0, together=20.0, steps=40)[ENOUGH:])
    run(worth, [3000] * 4, alone=12.0, together=90.0, steps=40)
    assert not worth.say([3000] * 4)


def test_what_is_not_possible_is_not_tried_again() -> None:
    worth = Worth()
    run(worth, [400] * 4, alone=10.0, together=20.0, steps=40)
    worth.never()
    assert not any(run(worth, [400] * 4, alone=10.0, together=20.0, steps=40))


entries = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40)


@given(entries)
def test_a_batch_in_parts_is_the_same_batch(entries: list[tuple[int, bool]]) -> None:
    ends = [0] * 4
    batch = Batch([], [], [], [])
    for token, (sequence, wanted) in enumerate(entries):
        batch.tokens.append(token)
        batch.positions.append(ends[sequence])
        batch.sequences.append(sequence)
        batch.wanted.append(wanted)
        ends[sequence] += 1
    parts = parts_of(batch)
    assert [part.end for part in parts] == [ends[part.sequence] for part in parts]
    assert sorted(row for part in parts for row in part.rows) == list(range(sum(batch.wanted)))
    again = joined(parts)
    assert sorted(zip(again.tokens, again.positions, again.sequences, again.wanted, strict=True)) == sorted(
        zip(batch.tokens, batch.positions, batch.sequences, batch.wanted, strict=True)
    )


def state(cells: int, keys: list[int], values: list[int], type: int = 1) -> bytearray:
    """A sequence as exported with flash attention: elements of keys and of values by layer, 0 for none."""
    written = struct.pack("<I", cells) + b"".join(struct.pack("<iI", i, 0) for i in range(cells))
    written += struct.pack("<II", 0, len(keys))
    for widths in (keys, values):
        for layer, width in enumerate(widths):
            written += struct.pack("<iQ", type if width else -1, 2 * width)
            written += np.arange(layer, layer + cells * width, dtype=np.uint16).tobytes()
    return bytearray(written + struct.pack("<I", 0))


@given(st.integers(0, 7), st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_values_that_are_turned_twice_are_as_before(cells: int, widths: list[int]) -> None:
    before = state(cells, widths, widths)
    turned = bytearray(before)
    turn_values(turned)
    assert len(turned) == len(before) and turned != before
    turn_values(turned)
    assert turned == before


def test_turned_values_are_those_of_each_element_over_all_cells() -> None:
    turned = state(3, [0], [2])
    turn_values(turned)
    begin = 4 + 3 * 8
    assert struct.unpack_from("<II", turned, begin) == (1, 1)
    assert struct.unpack_from("<iII", turned, begin + 20) == (1, 2, 2)
    assert np.frombuffer(turned, np.uint16, 6, begin + 32).tolist() == [0, 2, 4, 1, 3, 5]


def test_values_in_blocks_are_not_turned() -> None:
    with pytest.raises(EngineFailed, match="type 8"):
        turn_values(state(3, [2], [2], type=8))


def test_a_state_without_cells_says_so() -> None:
    assert is_empty(state(0, [2], [2])) and not is_empty(state(1, [2], [2]))
