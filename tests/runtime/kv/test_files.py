"""A cache on disk is what was written, or it is not there: whatever happens to its file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samovar.core.catalogue import LANGUAGES, say
from samovar.runtime.kv import Entry, Label
from samovar.runtime.kv.blobfile import file_size
from samovar.runtime.kv.disk import DiskTier
from samovar.runtime.kv.labels import key_of

from .caches import KIND, MEGABYTE, Failing, disk_tier, entry, files

WHOLE = entry(1, 2, 300, tenant="alice", session="chat", note=b"logits", size=60)

SIZE = file_size(KIND, entry(1))


def found(disk: DiskTier, wanted: Entry = WHOLE) -> Entry | None:
    hit = disk.longest(wanted.label.key, wanted.label.tenant)
    return disk.use(hit.label) if hit else None


def written(root: Path, what: Entry = WHOLE) -> Path:
    """The file of an entry that a server before this one has written."""
    disk_tier(root).write(what)
    (path,) = files(root)
    return path


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    written(tmp_path)
    there = found(disk_tier(tmp_path))
    assert there is not None
    assert (there.label, there.blob) == (WHOLE.label, WHOLE.blob)


@settings(deadline=None)
@given(
    tokens=st.lists(st.integers(0, 2**31 - 1), min_size=1),
    tenant=st.text(max_size=20),
    session=st.text(max_size=20),
    note=st.binary(max_size=50),
    blob=st.binary(max_size=200),
)
def test_whatever_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: list[int],
    tenant: str,
    session: str,
    note: bytes,
    blob: bytes,
) -> None:
    root = tmp_path_factory.mktemp("kv")
    what = Entry(Label.of(tokens, tenant, session, note), blob)
    written(root, what)
    there = found(disk_tier(root), what)
    assert there is not None
    assert (there.label, there.blob) == (what.label, what.blob)


def test_a_cache_of_several_chunks_comes_back(tmp_path: Path) -> None:
    large = entry(1, 2, 3, size=2 * MEGABYTE + 17)
    written(tmp_path, large)
    there = found(disk_tier(tmp_path), large)
    assert there is not None and there.blob == large.blob


@pytest.mark.parametrize("known", [True, False], ids=["under a server", "before the start"])
@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_one_wrong_byte_anywhere_makes_a_file_worthless_and_it_goes(
    tmp_path: Path, known: bool, change: int
) -> None:
    path = written(tmp_path)
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good)
        disk = disk_tier(tmp_path)
        path.write_bytes(good[:at] + bytes([good[at] ^ change]) + good[at + 1 :])
        disk = disk if known else disk_tier(tmp_path)
        assert found(disk) is None, at
        assert not path.exists(), at
        assert disk.entries == 0


@pytest.mark.parametrize("known", [True, False], ids=["under a server", "before the start"])
def test_a_file_that_ends_too_early_or_too_late_is_worthless_and_goes(tmp_path: Path, known: bool) -> None:
    path = written(tmp_path)
    good = path.read_bytes()
    for wrong in [good[:length] for length in range(len(good))] + [good + b"\0", good * 2]:
        path.write_bytes(good)
        disk = disk_tier(tmp_path)
        path.write_bytes(wrong)
        disk = disk if known else disk_tier(tmp_path)
        assert found(disk) is None, len(wrong)
        assert not path.exists(), len(wrong)


def test_a_file_that_somebody_removed_is_not_there(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    disk.write(WHOLE)
    files(tmp_path)[0].unlink()
    assert found(disk) is None
    assert disk.entries == 0 and disk.notes == ()


def test_another_cache_in_the_place_of_a_file_is_not_taken_for_it(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    disk.write(WHOLE)
    place = files(tmp_path)[0]
    disk.write(entry(7, 8, tenant="alice"))
    other = next(path for path in files(tmp_path) if path != place)
    place.write_bytes(other.read_bytes())
    assert found(disk) is None
    assert disk.longest(key_of([1, 2]), "alice") is None


def test_a_cache_of_another_kind_in_the_folder_is_removed(tmp_path: Path) -> None:
    foreign = written(tmp_path / "other")
    place = tmp_path / "kv" / ("f" * 16)
    place.mkdir(parents=True)
    (place / foreign.name).write_bytes(foreign.read_bytes())
    disk = disk_tier(tmp_path / "kv", kind="f" * 16)
    assert found(disk) is None
    assert files(tmp_path / "kv") == []


def test_a_file_under_a_wrong_name_is_removed(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.rename(path.with_name("a" * 40 + ".kv"))
    assert found(disk_tier(tmp_path)) is None
    assert files(tmp_path) == []


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    own = written(tmp_path)
    others = [
        tmp_path / "readme.txt",
        tmp_path / f"{'a' * 40}.kv",
        own.with_name("notes.kv"),
        own.with_name("a" * 40),
        own.with_name(f"{'a' * 40}.part"),
        tmp_path / "backup" / "old.kv",
    ]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(5000))
    (own.parent / f"{'b' * 40}.kv").mkdir()
    own.with_name(f"{'c' * 40}.kv").symlink_to(tmp_path / "readme.txt")
    disk = disk_tier(tmp_path, budget=1000)
    assert found(disk) is not None
    disk.write(entry(9, 9, 9, size=600))
    assert all(path.stat().st_size == 5000 for path in others)
    assert disk.used <= 1000


def test_half_written_files_of_processes_that_are_gone_are_removed_but_not_of_living_ones(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = tmp_path / KIND
    folder.mkdir()
    name = "d" * 40
    for process in (gone.pid, os.getpid(), os.getppid()):
        (folder / f"{name}.{process}.part").write_bytes(b"half")
    disk_tier(tmp_path)
    assert files(tmp_path) == [folder / f"{name}.{os.getppid()}.part"]


def test_what_is_given_up_midway_leaves_nothing(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    answers = iter([True, False])
    disk.write(entry(1, 2, size=3 * MEGABYTE), lambda: next(answers))
    assert disk.entries == 0 and files(tmp_path) == []


def test_files_tell_nothing_by_their_names_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    path = written(tmp_path, entry(1, tenant="alice", session="secrets"))
    assert path.relative_to(tmp_path).parts[0] == KIND
    assert not {"alice", "secrets"} & set(path.stem.split())
    assert path.stem == Label.of([1], "alice").name
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_a_longer_cache_takes_the_place_of_its_own_beginning(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    for length in (2, 3, 5):
        disk.write(entry(*range(length)))
    disk.write(entry(0, 1, 2))
    assert disk.entries == len(files(tmp_path)) == 1


def test_beginnings_that_two_servers_left_beside_longer_caches_go_at_the_start(tmp_path: Path) -> None:
    one, other = disk_tier(tmp_path), disk_tier(tmp_path)
    one.write(entry(0, 1, 2, 3))
    other.write(entry(0, 1))
    assert len(files(tmp_path)) == 2
    assert disk_tier(tmp_path).entries == len(files(tmp_path)) == 1


def test_a_new_note_for_the_same_tokens_is_kept(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    disk.write(entry(1, 2, note=b"old"))
    disk.write(entry(1, 2, note=b"new"))
    there = found(disk_tier(tmp_path), entry(1, 2))
    assert there is not None and there.label.note == b"new"
    assert len(files(tmp_path)) == 1


# What may be kept ------------------------------------------------------------------------------------------------


def test_the_budget_is_that_of_all_models_and_the_longest_unused_go_first(tmp_path: Path) -> None:
    one, other = disk_tier(tmp_path, 3 * SIZE), disk_tier(tmp_path, 3 * SIZE, kind="b" * 16)
    one.write(entry(1))
    other.write(entry(2))
    one.write(entry(3))
    assert found(one, entry(1)) is not None
    one.write(entry(4))
    assert found(other, entry(2)) is None
    one.write(entry(5))
    assert [token for token in (1, 3, 4, 5) if found(one, entry(token))] == [1, 4, 5]


def test_what_is_pinned_goes_last(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path, 2 * SIZE + len("open"))
    disk.pin(["open"])
    disk.write(entry(1, session="open"))
    disk.write(entry(2))
    disk.write(entry(3))
    assert found(disk, entry(1)) is not None and found(disk, entry(2)) is None


def test_a_smaller_budget_holds_from_the_start(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path)
    for token in range(5):
        disk.write(entry(token))
    smaller = disk_tier(tmp_path, disk.used // 2)
    assert smaller.entries == 2 and smaller.used <= smaller.budget
    assert found(smaller, entry(4)) is not None


def test_what_is_larger_than_the_budget_is_not_written_and_costs_nothing(tmp_path: Path) -> None:
    disk = disk_tier(tmp_path, 2000)
    disk.write(entry(1))
    disk.write(entry(2, size=2000))
    assert disk.entries == 1 and disk.notes == ()


def test_some_of_the_disk_is_left_to_others(tmp_path: Path) -> None:
    spare = 256 * MEGABYTE
    disk = disk_tier(tmp_path, free=lambda _: spare + 1000 - disk.used)
    for token in range(8):
        disk.write(entry(token))
    assert 0 < disk.used <= 1000
    assert found(disk, entry(7)) is not None and disk.notes == ()


# Disks that refuse -----------------------------------------------------------------------------------------------


def said(disk: DiskTier) -> str:
    (note,) = disk.notes
    assert all(str(note.facts["path"]) in say(note.key, language, **note.facts) for language in LANGUAGES)
    return note.key


def a_file(root: Path) -> Path:
    root.write_bytes(b"not a folder")
    return root


def below_a_file(root: Path) -> Path:
    return a_file(root) / "deeper"


@pytest.mark.parametrize("place", [a_file, below_a_file])
def test_a_file_in_place_of_the_folder_is_said_once(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    disk = disk_tier(place(tmp_path / "kv"))
    disk.write(entry(1))
    disk.write(entry(2))
    assert said(disk) == "runtime.kv_unusable"
    assert (tmp_path / "kv").read_bytes() == b"not a folder"
    assert disk.longest(key_of([1]), "") is None and disk.used == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the rights of files do not bind root")
def test_a_folder_that_cannot_be_written_is_said_at_once_and_still_read(tmp_path: Path) -> None:
    folder = written(tmp_path).parent
    folder.chmod(0o500)
    try:
        disk = disk_tier(tmp_path)
        assert said(disk) == "runtime.kv_unusable"
        assert found(disk) is not None
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("number", "key"),
    [
        (errno.ENOSPC, "runtime.kv_disk_full"),
        (errno.EDQUOT, "runtime.kv_disk_full"),
        (errno.EACCES, "runtime.kv_unusable"),
        (errno.EROFS, "runtime.kv_unusable"),
        (errno.EIO, "runtime.kv_unusable"),
    ],
)
@pytest.mark.parametrize("room", [0, MEGABYTE])
def test_a_disk_that_refuses_is_said_once_and_leaves_no_half_file(
    tmp_path: Path, number: int, key: str, room: int
) -> None:
    written(tmp_path)
    made = []

    def create(path: Path) -> Failing:
        made.append(path)
        return Failing(path, OSError(number, os.strerror(number)), room)

    disk = disk_tier(tmp_path, create=create)
    disk.write(entry(1, 9, size=3 * MEGABYTE))
    disk.write(entry(2, 9))
    assert said(disk) == key
    assert len(made) == 1 and len(files(tmp_path)) == 1
    assert found(disk) is not None


def test_a_disk_without_room_is_said_and_what_is_there_is_kept(tmp_path: Path) -> None:
    written(tmp_path)
    disk = disk_tier(tmp_path, free=lambda _: 0)
    disk.write(entry(1, 9))
    assert said(disk) == "runtime.kv_disk_full"
    assert found(disk) is not None
