"""How much room caches get: a careful share, never more than there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.hub.cache_budgets import DiskRoom, default_disk, default_ram, disk_room

GB = 10**9


@pytest.mark.parametrize(("free", "given"), [(-GB, 0), (0, 0), (5 * GB, GB // 2), (100 * GB, 2 * GB)])
def test_memory_is_a_tenth_of_what_the_model_leaves_up_to_2_gb(free: int, given: int) -> None:
    assert default_ram(free) == given


def test_disk_is_a_tenth_of_what_is_free_up_to_10_gb() -> None:
    assert default_disk(DiskRoom(free=20 * GB, used=0)) == 2 * GB
    assert default_disk(DiskRoom(free=1000 * GB, used=0)) == 10 * GB
    assert default_disk(DiskRoom(free=0, used=0)) == 0


def test_caches_that_are_there_do_not_make_their_own_room_smaller() -> None:
    assert default_disk(DiskRoom(free=18 * GB, used=2 * GB)) == default_disk(DiskRoom(free=20 * GB, used=0))


def test_room_is_looked_at_without_making_the_folder(tmp_path: Path) -> None:
    there = disk_room(tmp_path / "home" / "kv")
    assert there.free > 0 and there.used == 0
    assert not (tmp_path / "home").exists()


def test_what_lies_in_the_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "one").write_bytes(bytes(700))
    (tmp_path / "two").write_bytes(bytes(300))
    assert disk_room(tmp_path).used == 1000


def test_a_file_in_place_of_the_folder_is_no_room_but_no_fault_either(tmp_path: Path) -> None:
    (tmp_path / "kv").write_bytes(b"x")
    assert disk_room(tmp_path / "kv").used == 0
