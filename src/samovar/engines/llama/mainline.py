"""llama.cpp as `llama-cpp-python` carries it: its low-level module declares all structs; the cache is `memory`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from llama_cpp import llama_cpp as api

from samovar.core.engine import Build
from samovar.engines.llama.binding import (
    BOOL,
    I32,
    PTR,
    SHARED,
    SIZE,
    TEXT,
    Binding,
    ContextOptions,
    ModelOptions,
    Signature,
    set_common,
)
from samovar.engines.llama.layout import check_defaults

FUNCTIONS: Mapping[str, Signature] = {
    **SHARED,
    "decode": ("llama_decode", I32, (PTR, api.llama_batch)),
    "free_model": ("llama_model_free", None, (PTR,)),
    "trained_context": ("llama_model_n_ctx_train", I32, (PTR,)),
    "vocab_size": ("llama_vocab_n_tokens", I32, (PTR,)),
    "bos": ("llama_vocab_bos", I32, (PTR,)),
    "eos": ("llama_vocab_eos", I32, (PTR,)),
    "token_text": ("llama_vocab_get_text", TEXT, (PTR, I32)),
    "token_attributes": ("llama_vocab_get_attr", I32, (PTR, I32)),
    "ends_generation": ("llama_vocab_is_eog", BOOL, (PTR, I32)),
    "_vocab": ("llama_model_get_vocab", PTR, (PTR,)),
    "_adds_bos": ("llama_vocab_get_add_bos", BOOL, (PTR,)),
    "_memory": ("llama_get_memory", PTR, (PTR,)),
    "_remove": ("llama_memory_seq_rm", BOOL, (PTR, I32, I32, I32)),
    "_copy": ("llama_memory_seq_cp", None, (PTR, I32, I32, I32, I32)),
    "_shift": ("llama_memory_seq_add", None, (PTR, I32, I32, I32, I32)),
    "_last_position": ("llama_memory_seq_pos_max", I32, (PTR, I32)),
    "_can_shift": ("llama_memory_can_shift", BOOL, (PTR,)),
    "_state_size": ("llama_state_seq_get_size", SIZE, (PTR, I32)),
    "_state_get": ("llama_state_seq_get_data", SIZE, (PTR, PTR, SIZE, I32)),
    "_state_set": ("llama_state_seq_set_data", SIZE, (PTR, PTR, SIZE, I32)),
}


class MainlineBinding(Binding):
    """See the module's first lines. Raises EngineFailed where the structs are not the library's."""

    build: Build = "mainline"
    compact_cells = False
    folds_words = True

    _vocab: Callable[[int], int]
    _adds_bos: Callable[[int], bool]
    _memory: Callable[[int], int]
    _remove: Callable[[int, int, int, int], bool]
    _copy: Callable[[int, int, int, int, int], None]
    _shift: Callable[[int, int, int, int, int], None]
    _last_position: Callable[[int, int], int]
    _can_shift: Callable[[int], bool]
    _state_size: Callable[[int, int], int]
    _state_get: Callable[[int, int, int, int], int]
    _state_set: Callable[[int, int, int, int], int]

    def __init__(self, version: str) -> None:
        super().__init__(api._lib, version, api.llama_batch, FUNCTIONS)
        _check_layout(version)
        api.llama_backend_init()

    def load_model(
        self,
        path: str,
        progress: Callable[[float], bool],
        options: ModelOptions,  # noqa: ARG002 - rotations belong to its contexts, and it interleaves no rows
    ) -> int:
        params = api.llama_model_default_params()
        params.progress_callback = api.llama_progress_callback(lambda share, _: progress(share))
        return api.llama_model_load_from_file(os.fsencode(path), params) or 0

    def new_context(self, model: int, options: ContextOptions) -> int:
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = options.cells, options.batch, options.micro_batch
        params.n_seq_max, params.flash_attn_type = options.parallel, int(options.flash)
        params.n_threads = params.n_threads_batch = options.threads
        set_common(params, options)
        params.n_outputs_max_per_seq = 0
        # One buffer for all sequences, so that they share cells; windows kept whole, so that they can be cut.
        params.kv_unified = params.swa_full = True
        return api.llama_init_from_model(model, params) or 0

    def vocabulary(self, model: int) -> int:
        return self._vocab(model)

    def adds_bos(self, model: int) -> bool:
        return self._adds_bos(self._vocab(model))

    def remove(self, context: int, sequence: int, start: int, end: int) -> bool:
        return self._remove(self._memory(context), sequence, start, end)

    def copy(self, context: int, source: int, target: int, start: int, end: int) -> None:
        self._copy(self._memory(context), source, target, start, end)

    def shift(self, context: int, sequence: int, start: int, end: int, by: int) -> None:
        self._shift(self._memory(context), sequence, start, end, by)

    def last_position(self, context: int, sequence: int) -> int:
        return self._last_position(self._memory(context), sequence)

    def can_shift(self, context: int) -> bool:
        return self._can_shift(self._memory(context))

    def compact(self, context: int, *, movable: bool) -> bool:  # noqa: ARG002 - cells may lie anywhere
        return True

    def state_size(self, context: int, sequence: int) -> int:
        return self._state_size(context, sequence)

    def state_read(self, context: int, sequence: int, address: int, size: int) -> int:
        return self._state_get(context, address, size, sequence)

    def state_write(self, context: int, sequence: int, address: int, size: int) -> int:
        return self._state_set(context, address, size, sequence)


def _check_layout(version: str) -> None:
    check_defaults(
        "mainline",
        version,
        api.llama_model_default_params(),
        {"n_gpu_layers": -1, "split_mode": 1, "vocab_only": False, "use_extra_bufts": True, "no_alloc": False},
    )
    check_defaults(
        "mainline",
        version,
        api.llama_context_default_params(),
        {
            "n_ctx": 512,
            "n_batch": 2048,
            "n_ubatch": 512,
            "n_seq_max": 1,
            "rope_scaling_type": -1,
            "flash_attn_type": -1,
            "yarn_ext_factor": -1.0,
            "defrag_thold": -1.0,
            "type_k": 1,
            "type_v": 1,
            "offload_kqv": True,
            "no_perf": True,
            "swa_full": True,
            "kv_unified": False,
            "n_samplers": 0,
        },
    )
