"""What is read to compute one token."""

from __future__ import annotations

import math

from samovar.formats.gguf_header import GgufHeader, TensorInfo
from samovar.formats.gguf_types import GgmlType
from samovar.formats.traffic import bytes_per_token

F32 = GgmlType(0, "F32", 1, 4)


def f32(name: str, *shape: int) -> TensorInfo:
    return TensorInfo(name, shape, F32, 0, 4 * math.prod(shape))


def counted(*tensors: TensorInfo, experts: tuple[int, int] = (0, 0)) -> int:
    metadata = {
        "general.architecture": "llama",
        "llama.expert_count": experts[0],
        "llama.expert_used_count": experts[1],
    }
    return bytes_per_token(GgufHeader((), 3, "little", metadata, tensors, 32, 0, 0))


def test_a_table_that_is_also_the_head_is_read_whole() -> None:
    assert counted(f32("token_embd.weight", 64, 100), f32("blk.0.ffn_up.weight", 64, 32)) == 4 * 64 * 132


def test_of_a_table_of_its_own_one_row_is_read() -> None:
    tensors = f32("token_embd.weight", 64, 100), f32("output.weight", 64, 100)
    assert counted(*tensors) == 4 * 64 * 101


def test_of_experts_those_that_are_used_are_read() -> None:
    tensors = f32("blk.0.ffn_up_exps.weight", 64, 32, 8), f32("blk.0.attn_q.weight", 64, 64)
    assert counted(*tensors, experts=(8, 2)) == 4 * 64 * (32 * 2 + 64)
