"""A random mamba: a model whose layers keep a running state, which can be neither cut nor copied in part."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from tests.support.gguf_file import finish
from tests.support.tiny_llama import write_vocabulary

WIDTH, INNER, STATE, CONV, RANK, LAYERS = 64, 128, 16, 4, 4, 2


def write_mamba(path: Path, seed: int = 7) -> Path:
    random = np.random.default_rng(seed)

    def matrix(*size: int, gain: float = 1.0) -> np.ndarray:
        return (random.standard_normal(size) * gain / np.sqrt(size[-1])).astype(np.float32)

    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_name("Tiny random mamba")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(LAYERS)
    writer.add_ssm_conv_kernel(CONV)
    writer.add_ssm_inner_size(INNER)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_time_step_rank(RANK)
    writer.add_layer_norm_rms_eps(1e-5)
    vocabulary = write_vocabulary(writer, adds_bos=False)
    writer.add_vocab_size(vocabulary)
    writer.add_tensor("token_embd.weight", matrix(vocabulary, WIDTH, gain=8))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("output.weight", matrix(vocabulary, WIDTH, gain=2))
    for i in range(LAYERS):
        for name, tensor in {
            "attn_norm.weight": np.ones(WIDTH, dtype=np.float32),
            "ssm_in.weight": matrix(2 * INNER, WIDTH),
            "ssm_conv1d.weight": matrix(INNER, CONV),
            "ssm_conv1d.bias": np.zeros(INNER, dtype=np.float32),
            "ssm_x.weight": matrix(RANK + 2 * STATE, INNER),
            "ssm_dt.weight": matrix(INNER, RANK),
            "ssm_dt.bias": np.zeros(INNER, dtype=np.float32),
            "ssm_a": -np.tile(np.arange(1, STATE + 1, dtype=np.float32), (INNER, 1)),
            "ssm_d": np.ones(INNER, dtype=np.float32),
            "ssm_out.weight": matrix(WIDTH, INNER),
        }.items():
            writer.add_tensor(f"blk.{i}.{name}", tensor)
    finish(writer)
    return path
