"""What the metadata say about layers, for plain, grouped, hybrid and recurrent models."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import BadModelFile
from samovar.formats.gguf import read_header
from samovar.formats.shape import ModelShape, RopeShape, model_shape, require_language_model
from tests.formats.gguf_bytes import Gguf, Tensor
from tests.support.tiny_bert import Bert


def shape_of(folder: Path, architecture: str, layers: int = 4, **numbers: int | list[int]) -> ModelShape:
    file = Gguf().put_text("general.architecture", architecture)
    facts: dict[str, int | list[int]] = {"block_count": layers, "embedding_length": 64, "context_length": 1024}
    for name, value in (facts | {k.replace("__", "."): v for k, v in numbers.items()}).items():
        if isinstance(value, int):
            file.put_u32(f"{architecture}.{name}", value)
        else:
            file.put_numbers(f"{architecture}.{name}", 5, "i", list(value))
    file.tensors = [Tensor("token_embd.weight", (64, 2), 0, 0, b"\0" * 512)]
    path = folder / "model.gguf"
    path.write_bytes(file.bytes())
    return model_shape(read_header(path))


def test_grouped_heads(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, "llama", attention__head_count=8, attention__head_count_kv=2)
    assert shape.key_width == shape.value_width == (16,) * 4
    assert not shape.recurrent and shape.trained_context == 1024


@pytest.mark.parametrize(("said", "causal"), [(None, True), (True, True), (False, False)])
def test_a_model_writes_unless_its_tokens_see_those_after_them(
    tmp_path: Path, said: bool | None, causal: bool
) -> None:
    bert = Bert.random().write(tmp_path / "bert.gguf", causal=said)
    assert model_shape(read_header(bert)).causal is causal


def test_without_kv_heads_every_head_has_its_own(tmp_path: Path) -> None:
    assert shape_of(tmp_path, "gpt2", attention__head_count=8).kv_heads == (8,) * 4


def test_key_and_value_lengths_may_differ_from_the_head(tmp_path: Path) -> None:
    shape = shape_of(
        tmp_path,
        "gemma3",
        attention__head_count=4,
        attention__head_count_kv=1,
        attention__key_length=256,
        attention__value_length=128,
        attention__sliding_window=512,
    )
    assert (shape.key_width[0], shape.value_width[0], shape.sliding_window) == (256, 128, 512)


def test_a_hybrid_lists_its_kv_heads_per_layer(tmp_path: Path) -> None:
    shape = shape_of(
        tmp_path,
        "lfm2",
        attention__head_count=8,
        attention__head_count_kv=[0, 2, 0, 2],
        shortconv__l_cache=3,
    )
    assert shape.key_width == (0, 16, 0, 16)
    assert shape.state_width == (128, 0, 128, 0) and shape.recurrent


def test_a_hybrid_by_interval(tmp_path: Path) -> None:
    shape = shape_of(
        tmp_path,
        "qwen3next",
        attention__head_count=8,
        attention__head_count_kv=2,
        full_attention_interval=4,
        ssm__conv_kernel=4,
        ssm__inner_size=128,
        ssm__state_size=16,
        ssm__group_count=2,
    )
    assert shape.kv_heads == (0, 0, 0, 2)
    assert shape.state_width[0] == 3 * (128 + 2 * 2 * 16) + 16 * 128


def test_a_recurrent_model_has_no_kv_cache(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, "mamba", attention__head_count=0, ssm__inner_size=128, ssm__state_size=16)
    assert shape.key_width == (0,) * 4 and shape.recurrent


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"block_count": 0}, "metadata_range"),
        ({"block_count": 1 << 31}, "metadata_range"),
        ({"attention__head_count": [8, 8]}, "per_layer"),
        ({"attention__head_count": [8, 8, -1, 8]}, "metadata_range"),
        ({"embedding_length": [64]}, "metadata_type"),
    ],
)
def test_absurd_numbers_are_refused(tmp_path: Path, numbers: dict[str, int | list[int]], key: str) -> None:
    with pytest.raises(BadModelFile) as caught:
        shape_of(tmp_path, "llama", **numbers)
    assert caught.value.key == f"formats.{key}"


def test_files_that_belong_beside_a_model_are_not_language_models(tmp_path: Path) -> None:
    tensor = Tensor("v.weight", (64,), 0, 0, b"\0" * 256)
    for file in (
        Gguf(tensors=[tensor]).put_text("general.architecture", "clip"),
        Gguf(tensors=[tensor]).put_text("general.architecture", "llama").put_text("general.type", "adapter"),
        Gguf(tensors=[tensor], order=">").put_text("general.architecture", "llama"),
    ):
        (tmp_path / "it.gguf").write_bytes(file.bytes())
        with pytest.raises(BadModelFile):
            require_language_model(read_header(tmp_path / "it.gguf"))


def rope_of(folder: Path, *tensors: str, scaling: str = "", base: float = 0.0, dimensions: int = 0) -> RopeShape:
    file = Gguf().put_text("general.architecture", "llama")
    for name, value in (("block_count", 1), ("embedding_length", 64), ("context_length", 1024)):
        file.put_u32(f"llama.{name}", value)
    file.put_u32("llama.attention.head_count", 4)
    if base:
        file.put_f32("llama.rope.freq_base", base)
    if dimensions:
        file.put_u32("llama.rope.dimension_count", dimensions)
    if scaling:
        file.put_text("llama.rope.scaling.type", scaling)
    names = ("token_embd.weight", *tensors)
    file.tensors = [Tensor(name, (64, 2), 0, 512 * i, b"\0" * 512) for i, name in enumerate(names)]
    path = folder / "model.gguf"
    path.write_bytes(file.bytes())
    return model_shape(read_header(path)).rope


def test_positions_turn_as_the_file_says(tmp_path: Path) -> None:
    assert rope_of(tmp_path) == RopeShape(10_000.0, 0)
    assert rope_of(tmp_path, base=1e6) == RopeShape(1e6, 16)
    assert rope_of(tmp_path, base=5e5, dimensions=8) == RopeShape(5e5, 8)


def test_a_model_that_was_stretched_in_training_says_so(tmp_path: Path) -> None:
    assert not rope_of(tmp_path, scaling="none").stretched
    assert rope_of(tmp_path, scaling="yarn").stretched
    assert rope_of(tmp_path, "rope_freqs.weight").stretched


@pytest.mark.parametrize("base", [-1.0, 0.5, float("nan"), float("inf")])
def test_a_base_that_is_no_base_is_a_damaged_file(tmp_path: Path, base: float) -> None:
    with pytest.raises(BadModelFile, match="freq_base"):
        rope_of(tmp_path, base=base)
