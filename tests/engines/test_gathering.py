"""Streams are computed together where that is faster, and each in its own context where it is not."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Batch
from samovar.engines.llama.parts import joined, parts_of
from samovar.engines.llama.state import is_empty
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


def test_a_state_without_cells_says_so() -> None:
    assert is_empty(bytearray(struct.pack("<I", 0))) and not is_empty(bytearray(struct.pack("<I", 1)))
