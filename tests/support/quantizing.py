"""Quantising arrays with the installed library itself: gguf-py can only read most types."""

from __future__ import annotations

import ctypes
import importlib

import gguf
import numpy as np
import numpy.typing as npt

from samovar.engines.llama.builds import installed

_MODULES = {"ik": "ik_llama_cpp._ctypes_api", "mainline": "llama_cpp.llama_cpp"}


def quantize(weights: npt.NDArray[np.float32], type: str) -> npt.NDArray[np.uint8]:
    """The rows of `weights` as blocks of the GGML type with that name; uint8 [rows, bytes of a row]."""
    chunk = importlib.import_module(_MODULES[installed()[0].build])._lib["ggml_quantize_chunk"]
    chunk.restype = ctypes.c_size_t
    chunk.argtypes = (ctypes.c_int, *(ctypes.c_void_p,) * 2, *(ctypes.c_int64,) * 3, ctypes.c_void_p)
    kind = gguf.GGMLQuantizationType[type]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    rows, width = weights.shape
    source = np.ascontiguousarray(weights, dtype=np.float32)
    blocks = np.zeros((rows, width // block * size), dtype=np.uint8)
    assert chunk(int(kind), source.ctypes.data, blocks.ctypes.data, 0, rows, width, None) == blocks.nbytes
    return blocks
