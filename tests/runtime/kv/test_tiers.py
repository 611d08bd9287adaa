"""What was computed is found again: in memory, on disk, after a restart; and only by those whose it is."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samovar.runtime.kv import Entry, Match, Tiers, open_tiers
from samovar.runtime.kv.blobfile import file_size
from samovar.runtime.kv.folder import create

from .caches import KIND, MEGABYTE, PATIENCE, PLENTY, Failing, Gate, disk_tier, entry, files, shared, tiers_in

Open = Callable[..., Tiers]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens tiers in the test's folder; whatever is still open at the end is closed."""
    made: list[Tiers] = []

    def open_(*, ram: int = PLENTY, disk: int = PLENTY, **more: object) -> Tiers:
        made.append(tiers_in(tmp_path, ram, disk, **more))
        return made[-1]

    yield open_
    for tiers in made:
        tiers.close(0)
    assert not any(thread.name == "kv-writer" for thread in threading.enumerate())


def place(match: Match | None) -> tuple[int, str] | None:
    return (match.shared, match.tier) if match else None


def put(tiers: Tiers, *entries: Entry) -> None:
    """As a server does that has time between its requests."""
    for one in entries:
        tiers.put(one)
        assert tiers.settled(PATIENCE)


# Finding ---------------------------------------------------------------------------------------------------------


def test_two_conversations_that_fork_from_one_prefix_both_profit_again_and_again(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1, 2, 3, 4, note=b"n"))
    for wanted in ([1, 2, 3, 9], np.array([1, 2, 3, 7, 7], dtype=np.int32), (1, 2, 3)):
        match = tiers.longest(wanted)
        assert match is not None
        assert (match.shared, match.length, match.note, match.size) == (3, 4, b"n", 100)
        assert tiers.fetch(match) == entry(1, 2, 3, 4, note=b"n").blob


def test_nobody_sees_what_another_tenant_has_computed(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1, 2, 3, tenant="alice"))
    tiers.allow()
    assert tiers.settled(PATIENCE)
    for tenant in ("", "bob", "alic", "alice\0"):
        assert tiers.longest([1, 2, 3], tenant) is None
        assert not tiers.covers([1, 2, 3], tenant)
    assert place(tiers.longest([1, 2, 3], "alice")) == (3, "ram")


def test_a_cache_serves_whatever_it_begins_with_and_no_shorter_one_is_kept_beside_it(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1, 2), entry(1, 2, 3, 4), entry(1, 2, 3), entry(1, 2, 3, 4))
    assert tiers.sizes.ram_entries == 1
    assert tiers.covers([1, 2]) and tiers.covers([1, 2, 3, 4]) and not tiers.covers([1, 2, 3, 4, 5])


def test_where_caches_cannot_be_cut_only_whole_ones_serve_and_all_are_kept(opened: Open) -> None:
    tiers = opened(cuttable=False)
    put(tiers, entry(1, 2), entry(1, 2, 3, 4), entry(1, 2, 3, 4))
    assert tiers.sizes.ram_entries == 2
    assert place(tiers.longest([1, 2, 3])) == (2, "ram")
    assert place(tiers.longest([1, 2, 3, 4, 5])) == (4, "ram")
    assert tiers.longest([1]) is None
    assert tiers.covers([1, 2]) and not tiers.covers([1, 2, 3])


def test_memory_is_preferred_where_the_disk_has_no_more(opened: Open) -> None:
    tiers = opened(ram=1000)
    put(tiers, entry(1, 2, 3), entry(8, size=900), entry(1, 2, 4, size=20))
    assert place(tiers.longest([1, 2, 3])) == (3, "disk")
    assert place(tiers.longest([1, 2, 5])) == (2, "ram")


def test_the_next_best_is_found_when_a_file_turns_out_to_be_damaged(opened: Open, tmp_path: Path) -> None:
    tiers = opened(ram=0)
    put(tiers, entry(1, 2, 9), entry(1, 2, 3, 4))
    (path,) = [file for file in files(tmp_path) if entry(1, 2, 3, 4).blob in file.read_bytes()]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    match = tiers.longest([1, 2, 3, 4])
    assert match is not None and match.shared == 4
    assert tiers.fetch(match) is None
    match = tiers.longest([1, 2, 3, 4])
    assert match is not None and match.shared == 2
    assert tiers.fetch(match) == entry(1, 2, 9).blob


def test_tokens_of_nothing_are_neither_kept_nor_found(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(), entry(1))
    assert tiers.sizes.ram_entries == 1
    assert tiers.longest([]) is None


# Budgets ---------------------------------------------------------------------------------------------------------


def test_the_least_recently_used_leaves_memory_first_and_is_found_on_disk(opened: Open) -> None:
    tiers = opened(ram=350)
    put(tiers, entry(1), entry(2), entry(3))
    match = tiers.longest([1])
    assert match is not None and tiers.fetch(match)
    assert tiers.settled(PATIENCE)
    put(tiers, entry(4))
    assert [place(tiers.longest([token])) for token in (1, 2, 3, 4)] == [
        (1, "ram"),
        (1, "disk"),
        (1, "ram"),
        (1, "ram"),
    ]


def test_the_open_conversation_leaves_memory_last(opened: Open) -> None:
    tiers = opened(ram=350)
    tiers.pin(["open"])
    put(tiers, entry(1, session="open"), *(entry(token) for token in range(2, 9)))
    assert place(tiers.longest([1])) == (1, "ram")
    tiers.pin([])
    put(tiers, entry(20))
    assert place(tiers.longest([1])) != (1, "ram")


def test_what_is_put_again_counts_as_used(opened: Open) -> None:
    tiers = opened(ram=350)
    put(tiers, entry(1), entry(2), entry(3), entry(1), entry(4))
    assert [token for token in (1, 2, 3, 4) if place(tiers.longest([token])) == (1, "ram")] == [1, 3, 4]


@pytest.mark.parametrize("ram", [PLENTY, 0])
@pytest.mark.parametrize("use", ["fetched", "put again"])
def test_what_is_used_stays_on_disk_longer_than_what_is_not(opened: Open, ram: int, use: str) -> None:
    tiers = opened(ram=ram, disk=2 * file_size(KIND, entry(1)))
    tiers.allow()
    put(tiers, entry(1), entry(2))
    match = tiers.longest([1])
    assert match is not None
    if use == "fetched":
        assert tiers.fetch(match)
    else:
        tiers.put(entry(1))
    put(tiers, entry(3))
    tiers.close(PATIENCE)
    after = opened()
    assert [token for token in (1, 2, 3) if after.longest([token])] == [1, 3]


def test_what_comes_from_disk_is_in_memory_from_then_on(opened: Open) -> None:
    first = opened()
    put(first, entry(1, 2, 3))
    first.close(PATIENCE)
    tiers = opened()
    match = tiers.longest([1, 2, 3])
    assert match is not None and match.tier == "disk"
    assert tiers.fetch(match) == entry(1, 2, 3).blob
    assert place(tiers.longest([1, 2, 3])) == (3, "ram")
    assert tiers.sizes.disk_entries == 1


def test_what_comes_from_disk_pushes_nothing_out_that_is_not_on_disk(opened: Open, tmp_path: Path) -> None:
    disk_tier(tmp_path).write(entry(1))
    tiers = opened(ram=150, create=lambda path: Failing(path, OSError(errno.EROFS, "read-only")))
    put(tiers, entry(2))
    match = tiers.longest([1])
    assert match is not None and tiers.fetch(match) == entry(1).blob
    assert [place(tiers.longest([token])) for token in (1, 2)] == [(1, "disk"), (1, "ram")]


def test_without_memory_caches_are_kept_on_disk(opened: Open) -> None:
    tiers = opened(ram=0)
    put(tiers, entry(1, 2), entry(3))
    match = tiers.longest([1, 2])
    assert place(match) == (2, "disk")
    assert match is not None and tiers.fetch(match) == entry(1, 2).blob
    assert (tiers.sizes.ram_entries, tiers.sizes.ram_bytes, tiers.sizes.disk_entries) == (0, 0, 2)


def test_without_a_budget_nothing_is_kept(tmp_path: Path) -> None:
    tiers = open_tiers(str(tmp_path / "kv"), KIND, ram=0, disk=0)
    tiers.put(entry(1))
    tiers.allow()
    assert tiers.settled(PATIENCE)
    assert tiers.longest([1]) is None
    tiers.close(PATIENCE)
    assert not (tmp_path / "kv").exists()


def test_without_a_disk_memory_still_serves(tmp_path: Path) -> None:
    tiers = open_tiers("", KIND, ram=PLENTY, disk=PLENTY)
    tiers.put(entry(1))
    match = tiers.longest([1])
    assert match is not None and tiers.fetch(match) == entry(1).blob
    tiers.close(PATIENCE)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_once_and_memory_still_serves(opened: Open, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    tiers = opened(ram=350, create=lambda path: Failing(path, full))
    tiers.allow()
    put(tiers, *(entry(token) for token in range(6)))
    assert [note.key for note in tiers.notes] == ["runtime.kv_disk_full"]
    assert place(tiers.longest([5])) == (1, "ram")
    assert files(tmp_path) == []


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans()), max_size=8),
    wanted=st.lists(st.integers(0, 3), max_size=6),
    cuttable=st.booleans(),
)
def test_with_room_enough_nothing_is_ever_computed_twice(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[int], bool]], wanted: list[int], cuttable: bool
) -> None:
    """Whatever is put, with restarts between: the longest prefix of all that ever was is found."""
    root = tmp_path_factory.mktemp("kv")
    tiers = tiers_in(root, cuttable=cuttable)
    for tokens, restart in rows:
        tiers.put(entry(*tokens))
        if restart:
            tiers.close(PATIENCE)
            tiers = tiers_in(root, cuttable=cuttable)
    match = tiers.longest(wanted)
    usable = [tokens for tokens, _ in rows if cuttable or wanted[: len(tokens)] == tokens]
    assert (match.shared if match else 0) == max((shared(tokens, wanted) for tokens in usable), default=0)
    if match:
        assert tiers.fetch(match) == entry(*match.label.tokens).blob
    tiers.close(0)


# Writing ---------------------------------------------------------------------------------------------------------


def test_nothing_that_can_wait_is_written_while_the_engine_works(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1), entry(2))
    assert tiers.sizes.disk_entries == 0
    tiers.allow()
    assert tiers.settled(PATIENCE)
    assert tiers.sizes.disk_entries == 2
    tiers.hold()
    put(tiers, entry(3))
    assert tiers.sizes.disk_entries == 2


def test_writing_stops_within_a_chunk_when_the_engine_begins_and_goes_on_when_it_rests(opened: Open) -> None:
    gate = Gate()
    tiers = opened(create=gate.create)
    tiers.put(entry(1, size=4 * MEGABYTE))
    tiers.allow()
    gate.await_write()
    tiers.hold()
    gate.let()
    assert tiers.settled(PATIENCE)
    assert (gate.writes, tiers.sizes.disk_entries) == (1, 0)
    tiers.allow()
    gate.open()
    assert tiers.settled(PATIENCE)
    assert (gate.created, gate.writes, tiers.sizes.disk_entries) == (1, 5, 1)


def test_what_must_soon_leave_memory_is_written_even_while_the_engine_works(opened: Open) -> None:
    tiers = opened(ram=450)
    put(tiers, *(entry(token) for token in range(12)))
    assert [place(tiers.longest([token])) is not None for token in range(12)] == [True] * 12
    assert tiers.sizes.ram_bytes <= 450


def test_the_open_conversation_is_not_written_after_every_answer_while_the_engine_works(opened: Open) -> None:
    tiers = opened(ram=450)
    tiers.pin(["open"])
    put(tiers, *(entry(*range(length), session="open", size=400) for length in range(1, 6)))
    assert tiers.sizes.disk_entries == 0
    tiers.allow()
    assert tiers.settled(PATIENCE)
    assert tiers.sizes.disk_entries == 1


def test_what_has_left_memory_while_it_was_written_is_written_to_its_end(opened: Open) -> None:
    gate = Gate()
    tiers = opened(ram=3 * MEGABYTE, create=gate.create)
    tiers.put(entry(1, size=2 * MEGABYTE))
    tiers.allow()
    gate.await_write()
    tiers.hold()
    tiers.put(entry(2, size=2 * MEGABYTE))
    gate.open()
    assert tiers.settled(PATIENCE)
    assert place(tiers.longest([1])) == (1, "disk")


def test_what_memory_has_no_place_for_does_not_pile_up_before_a_slow_disk(opened: Open) -> None:
    gate = Gate()
    tiers = opened(ram=0, create=gate.create)
    tiers.put(entry(1))
    gate.await_write()
    for token in (2, 3, 4):
        tiers.put(entry(token))
    gate.open()
    assert tiers.settled(PATIENCE)
    assert [token for token in range(1, 5) if tiers.longest([token])] == [1, 4]


def test_what_is_outdone_while_it_was_written_is_given_up(opened: Open, tmp_path: Path) -> None:
    gate = Gate()
    tiers = opened(create=gate.create)
    tiers.put(entry(1, size=4 * MEGABYTE))
    tiers.allow()
    gate.await_write()
    tiers.put(entry(1, 2))
    gate.open()
    assert tiers.settled(PATIENCE)
    assert gate.writes < 5
    assert tiers.sizes.disk_entries == len(files(tmp_path)) == 1


def test_each_cache_is_written_once_even_where_the_disk_has_no_room_for_all(opened: Open) -> None:
    gate = Gate()
    gate.open()
    tiers = opened(disk=500, create=gate.create)
    tiers.allow()
    put(tiers, *(entry(token) for token in range(6)))
    assert gate.created == 6
    assert tiers.sizes.disk_bytes <= 500


def test_at_the_end_the_most_recent_are_written_first_until_the_time_is_up(opened: Open) -> None:
    now = 0.0

    def slow(path: Path) -> BinaryIO:
        nonlocal now
        now += 1
        return create(path)

    tiers = opened(create=slow, clock=lambda: now)
    put(tiers, *(entry(token) for token in range(6)))
    tiers.close(2.5)
    after = opened()
    assert [token for token in range(6) if after.longest([token])] == [4, 5]


def test_without_time_at_the_end_nothing_is_written(opened: Open, tmp_path: Path) -> None:
    tiers = opened()
    put(tiers, entry(1))
    tiers.close(0)
    assert files(tmp_path) == []


def test_a_pause_ends_with_the_server_and_the_file_is_whole(opened: Open) -> None:
    gate = Gate()
    tiers = opened(create=gate.create)
    tiers.put(entry(1, size=3 * MEGABYTE))
    tiers.allow()
    gate.await_write()
    tiers.hold()
    gate.open()
    tiers.close(PATIENCE)
    assert place(opened().longest([1])) == (1, "disk")


# Forgetting ------------------------------------------------------------------------------------------------------


def test_a_forgotten_session_is_gone_from_both_tiers_and_after_a_restart(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1, 2, 3, session="gone"), entry(5, 6, 7, session="kept"))
    tiers.allow()
    assert tiers.settled(PATIENCE)
    tiers.forget("gone")
    assert tiers.longest([1, 2, 3]) is None
    assert tiers.longest([5, 6, 7]) is not None
    tiers.close(PATIENCE)
    assert opened().longest([1, 2, 3]) is None
    assert opened().longest([5, 6, 7]) is not None
