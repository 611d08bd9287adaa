"""A model in several files is one model, and its parts must all be there and belong together."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from samovar.core.errors import BadModelFile
from samovar.formats.gguf import part_names, read_header, split_name
from tests.support.gguf_file import finish

NAMES = part_names("big-00001-of-00003.gguf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = gguf.GGUFWriter(tmp_path / "big.gguf", "llama", split_max_tensors=1)
    for number in range(3):
        writer.add_tensor(f"blk.{number}.weight", np.full((2, 32), number, dtype=np.float32))
    finish(writer)
    assert sorted(p.name for p in tmp_path.iterdir()) == list(NAMES)
    return tmp_path


def complaint(path: Path) -> str:
    with pytest.raises(BadModelFile) as caught:
        read_header(path)
    assert "{" not in caught.value.text("ru") + caught.value.text("en")
    return caught.value.key.removeprefix("formats.")


def test_all_parts_are_one_model(folder: Path) -> None:
    header = read_header(folder / NAMES[0])
    assert [(t.name, t.part) for t in header.tensors] == [(f"blk.{n}.weight", n) for n in range(3)]
    assert header.paths == tuple(folder / name for name in NAMES)
    assert header.file_size == sum(path.stat().st_size for path in folder.iterdir())
    assert header.parameters == 3 * 64


def test_a_later_part_names_the_first(folder: Path) -> None:
    assert complaint(folder / NAMES[1]) == "split_not_first"


def test_a_missing_part_is_named(folder: Path) -> None:
    (folder / NAMES[2]).unlink()
    assert complaint(folder / NAMES[0]) == "split_missing"


def test_a_cut_part_is_refused(folder: Path) -> None:
    with (folder / NAMES[2]).open("r+b") as part:
        part.truncate(200)
    assert complaint(folder / NAMES[0]).startswith("cut_")


def test_swapped_parts_are_refused(folder: Path) -> None:
    (folder / NAMES[1]).rename(folder / "aside")
    (folder / NAMES[2]).rename(folder / NAMES[1])
    (folder / "aside").rename(folder / NAMES[2])
    assert complaint(folder / NAMES[0]) == "split_foreign"


def test_a_renamed_part_cannot_find_its_siblings(folder: Path) -> None:
    (folder / NAMES[0]).rename(folder / "model.gguf")
    assert complaint(folder / "model.gguf") == "split_name"


def test_names_of_parts() -> None:
    assert split_name("big-00002-of-00003") == ("big", 2, 3)
    assert split_name("big-2-of-3") is None
    assert NAMES == ("big-00001-of-00003.gguf", "big-00002-of-00003.gguf", "big-00003-of-00003.gguf")
    assert part_names("whole.gguf") == ("whole.gguf",)
    assert part_names("absurd-00001-of-99999.gguf") == ("absurd-00001-of-99999.gguf",)
