"""ik_llama.cpp, from the package `ik_llama_cpp` or compiled on this machine from the same source. Its C API is
llama.cpp's from before the KV cache was renamed.

The package declares the structs and a part of the functions; the rest follows the llama.h that its wheel carries.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from ik_llama_cpp import _ctypes_api as api

from samovar.core.engine import Build
from samovar.core.errors import EngineFailed
from samovar.core.rope import Rope
from samovar.engines.llama.binding import (
    BOOL,
    I32,
    PTR,
    SHARED,
    SIZE,
    TEXT,
    U32,
    Binding,
    ContextOptions,
    ModelOptions,
    Signature,
    set_common,
)
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.llama.layout import check_defaults, check_header, declared_fields, layout_digest
from samovar.engines.llama.native import MANIFEST, Native
from samovar.formats.gguf import read_header

KNOWN_LAYOUTS: Mapping[str, str] = {"0.1.5": "f404fbbc2ede776a"}
"""Digests of the structs in the headers of known versions. A wheel's header lies where `llama-cpp-python` puts its
own, so that the one installed last is the only one there."""


_FLOAT = 1
"""Of `enum llama_model_kv_override_type`."""


class CacheView(ctypes.Structure):
    """llama_kv_cache_view: a census of the cells. `cells_sequences`: int32, `n_seq_max` a cell, −1 for none."""

    _fields_ = (
        ("n_cells", I32),
        ("n_seq_max", I32),
        ("token_count", I32),
        ("used_cells", I32),
        ("max_contiguous", I32),
        ("max_contiguous_idx", I32),
        ("cells", PTR),
        ("cells_sequences", PTR),
    )


FUNCTIONS: Mapping[str, Signature] = {
    **SHARED,
    "decode": ("llama_decode", I32, (PTR, api.llama_batch)),
    "free_model": ("llama_free_model", None, (PTR,)),
    "trained_context": ("llama_n_ctx_train", I32, (PTR,)),
    "vocab_size": ("llama_n_vocab", I32, (PTR,)),
    "bos": ("llama_token_bos", I32, (PTR,)),
    "eos": ("llama_token_eos", I32, (PTR,)),
    "token_text": ("llama_token_get_text", TEXT, (PTR, I32)),
    "token_attributes": ("llama_token_get_attr", I32, (PTR, I32)),
    "ends_generation": ("llama_token_is_eog", BOOL, (PTR, I32)),
    "_vocab": ("llama_model_get_vocab", PTR, (PTR,)),
    "_adds_bos": ("llama_vocab_get_add_bos", BOOL, (PTR,)),
    "_remove": ("llama_kv_cache_seq_rm", BOOL, (PTR, I32, I32, I32)),
    "_copy": ("llama_kv_cache_seq_cp", None, (PTR, I32, I32, I32, I32)),
    "_shift": ("llama_kv_cache_seq_add", None, (PTR, I32, I32, I32, I32)),
    "_last_position": ("llama_kv_cache_seq_pos_max", I32, (PTR, I32)),
    "_mark_defragment": ("llama_kv_cache_defrag", None, (PTR,)),
    "_new_view": ("llama_kv_cache_view_init", CacheView, (PTR, I32)),
    "_fill_view": ("llama_kv_cache_view_update", None, (PTR, ctypes.POINTER(CacheView))),
    "_free_view": ("llama_kv_cache_view_free", None, (ctypes.POINTER(CacheView),)),
    "_update": ("llama_kv_cache_update", I32, (PTR,)),
    "_whole_size": ("llama_state_get_size", SIZE, (PTR,)),
    "_whole_get": ("llama_state_get_data", SIZE, (PTR, PTR, SIZE)),
    "_whole_set": ("llama_state_set_data", SIZE, (PTR, PTR, SIZE)),
    "_state_size": ("llama_state_seq_get_size", SIZE, (PTR, I32, U32)),
    "_state_get": ("llama_state_seq_get_data", SIZE, (PTR, PTR, SIZE, I32, U32)),
    "_state_set": ("llama_state_seq_set_data", SIZE, (PTR, PTR, SIZE, I32, U32)),
}


class IkBinding(Binding):
    """See the module's first lines. `native`: the compiled library, where it is to be that one.

    Raises EngineFailed where the structs are not the library's, or the package has loaded another library.
    """

    compact_cells = True
    folds_words = False
    # The tokens of one graph need neighbouring cells. And attention reaches only to where a search over every 32nd
    # cell finds the last used one: the few cells of a sequence behind a gap are silently left out.

    _vocab: Callable[[int], int]
    _adds_bos: Callable[[int], bool]
    _remove: Callable[[int, int, int, int], bool]
    _copy: Callable[[int, int, int, int, int], None]
    _shift: Callable[[int, int, int, int, int], None]
    _last_position: Callable[[int, int], int]
    _mark_defragment: Callable[[int], None]
    _update: Callable[[int], int]
    _new_view: Callable[[int, int], CacheView]
    _fill_view: Callable[[int, CacheView], None]
    _free_view: Callable[[CacheView], None]
    _whole_size: Callable[[int], int]
    _whole_get: Callable[[int, int, int], int]
    _whole_set: Callable[[int, int, int], int]
    _state_size: Callable[[int, int, int], int]
    _state_get: Callable[[int, int, int, int, int], int]
    _state_set: Callable[[int, int, int, int, int], int]

    def __init__(self, version: str, native: Native | None = None) -> None:
        self.build: Build = "ik-native" if native else "ik"
        _check_loaded(native)
        super().__init__(api._lib, version, api.llama_batch, FUNCTIONS)
        _check_layout(self.build, version, native.header if native else own_header())
        api.llama_backend_init()

    def load_model(self, path: str, progress: Callable[[float], bool], options: ModelOptions) -> int:
        params = api.llama_model_default_params()
        overrides = _overrides(path, options.rope)
        params.kv_overrides, params.repack_tensors = overrides, options.repacked
        params.progress_callback = api.llama_progress_callback(lambda share, _: progress(share))
        return api.llama_model_load_from_file(os.fsencode(path), params) or 0

    def new_context(self, model: int, options: ContextOptions) -> int:
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = options.cells, options.batch, options.micro_batch
        params.n_seq_max, params.flash_attn = options.parallel, options.flash
        params.n_threads = params.n_threads_batch = options.threads
        set_common(params, options)
        return api.llama_init_from_model(model, params) or 0

    def vocabulary(self, model: int) -> int:
        return model

    def adds_bos(self, model: int) -> bool:
        return self._adds_bos(self._vocab(model))

    def remove(self, context: int, sequence: int, start: int, end: int) -> bool:
        return self._remove(context, sequence, start, end)

    def copy(self, context: int, source: int, target: int, start: int, end: int) -> None:
        self._copy(context, source, target, start, end)

    def shift(self, context: int, sequence: int, start: int, end: int, by: int) -> None:
        self._shift(context, sequence, start, end, by)

    def last_position(self, context: int, sequence: int) -> int:
        return self._last_position(context, sequence)

    def can_shift(self, context: int) -> bool:  # noqa: ARG002 - it cannot be asked
        """It lets itself be told to; models with two rope bases then come out wrong."""
        return True

    def compact(self, context: int, *, movable: bool) -> bool:
        if not movable and self._misplaced(context):
            return self._write_anew(context)
        return self._defragment(context)

    def _write_anew(self, context: int) -> bool:
        """Reads all cells out and writes them again, one behind the other, in the same order."""
        self._update(context)  # turns the keys of what was shifted: whether they were is not in the state
        state = np.empty(self._whole_size(context), dtype=np.uint8)
        size = self._whole_get(context, state.ctypes.data, state.size)
        return size > 0 and self._whole_set(context, state.ctypes.data, size) == size

    def _defragment(self, context: int) -> bool:
        """One call moves a limited number of runs of cells: as many as it takes, while they help."""
        before, misplaced = -1, self._misplaced(context)
        while misplaced not in (0, before):
            self._mark_defragment(context)
            self._update(context)
            before, misplaced = misplaced, self._misplaced(context)
        return misplaced == 0

    def _misplaced(self, context: int) -> int:
        """Used cells that would not be where they are if all lay together at the beginning."""
        view = self._new_view(context, 1)
        self._fill_view(context, view)
        owners = np.frombuffer((I32 * view.n_cells).from_address(view.cells_sequences), dtype=np.int32)
        misplaced = int(np.count_nonzero(owners[view.used_cells :] >= 0))
        self._free_view(view)
        return misplaced

    def state_size(self, context: int, sequence: int) -> int:
        return self._state_size(context, sequence, 0)

    def state_read(self, context: int, sequence: int, address: int, size: int) -> int:
        return self._state_get(context, address, size, sequence, 0)

    def state_write(self, context: int, sequence: int, address: int, size: int) -> int:
        return self._state_set(context, address, size, sequence, 0)


def _overrides(path: str, rope: Rope) -> ctypes.Array[ctypes.Structure] | None:
    """What is read in place of the file's metadata. Most of this build's graphs take the scale of positions from
    the model and leave the context's aside (build_std_attention), so that it must be in both."""
    scale = 1.0 if rope.scaling == "none" else rope.freq_scale
    if scale is None:
        return None
    entries: ctypes.Array[ctypes.Structure] = (
        api.llama_model_kv_override * 2
    )()  # the second, without a name, ends the list
    entries[0].tag = _FLOAT
    entries[0].key = f"{read_header(Path(path)).architecture}.rope.scaling.factor".encode()
    entries[0].value.val_f64 = 1 / scale
    return entries


def own_header() -> str | None:
    """The llama.h of the installed wheel; None where another package has put its own in the same place."""
    for file in importlib.metadata.files(PACKAGES["ik"][1]) or ():
        if file.name == "llama.h" and file.hash is not None:
            path = Path(str(file.locate()))
            content = path.read_bytes() if path.is_file() else b""
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            return content.decode() if digest == file.hash.value else None
    return None


def structs() -> dict[str, type[ctypes.Structure]]:
    """The structs that cross the border by value, by their C names."""
    kinds = (api.llama_model_params, api.llama_context_params, api.llama_batch)
    return {kind.__name__: kind for kind in kinds} | {"llama_kv_cache_view": CacheView}


def _check_loaded(native: Native | None) -> None:
    """The package loads one library, when it is imported, for the whole life of the process."""
    loaded = Path(api._lib._name)
    right = loaded == native.library if native else not (loaded.parent / MANIFEST).is_file()
    if not right:
        raise EngineFailed("engines.other_library", loaded=str(loaded))


def _check_layout(build: Build, version: str, header: str | None) -> None:
    if header is not None:
        check_header(build, version, header, structs())
    elif KNOWN_LAYOUTS.get(version) != layout_digest({n: declared_fields(s) for n, s in structs().items()}):
        raise EngineFailed("engines.version_unknown", build=build, version=version, known=", ".join(KNOWN_LAYOUTS))
    check_defaults(
        build,
        version,
        api.llama_model_default_params(),
        {
            "n_ubatch": 512,
            "type_v_last": 1,
            "n_v_last": -1,
            "use_mmap": True,
            "repack_tensors": False,
            "mtp": False,
            "flash_attn": True,
        },
    )
    check_defaults(
        build,
        version,
        api.llama_context_default_params(),
        {
            "n_ctx": 512,
            "n_batch": 2048,
            "n_ubatch": 512,
            "n_seq_max": 1,
            "rope_scaling_type": -1,
            "yarn_ext_factor": -1.0,
            "defrag_thold": -1.0,
            "type_v": 1,
            "n_v_last": -1,
            "offload_kqv": True,
            "flash_attn": True,
            "mla_attn": 3,
            "graph_reuse": True,
            "min_experts": -1,
        },
    )
