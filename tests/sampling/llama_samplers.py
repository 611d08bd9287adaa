"""llama.cpp's own samplers, through libllama."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

llama = pytest.importorskip("llama_cpp.llama_cpp", reason="agreement with llama.cpp needs llama-cpp-python")

ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Theirs:
    """One of their samplers (or a chain of them, as they are applied one after the other)."""

    def __init__(self, *samplers: Any) -> None:
        self._samplers = samplers

    def accept(self, tokens: Sequence[int]) -> None:
        for sampler in self._samplers:
            for token in tokens:
                llama.llama_sampler_accept(sampler, int(token))

    def forget(self) -> None:
        for sampler in self._samplers:
            llama.llama_sampler_reset(sampler)

    def apply(self, logits: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, int | None]:
        """(ids that are left, their logits, the token that was selected if one was)."""
        entries = np.empty(len(ids), dtype=ENTRY)
        entries["id"], entries["logit"], entries["p"] = ids, logits, 0
        data = ctypes.cast(entries.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        array = llama.llama_token_data_array(data=data, size=len(ids), selected=-1, sorted=False)
        for sampler in self._samplers:
            llama.llama_sampler_apply(sampler, ctypes.byref(array))
        start = ctypes.cast(array.data, ctypes.c_void_p).value - entries.ctypes.data
        left = entries[start // ENTRY.itemsize :][: array.size]
        selected = None if array.selected < 0 else int(left["id"][array.selected])
        return left["id"].astype(np.int64), left["logit"].copy(), selected

    def close(self) -> None:
        for sampler in self._samplers:
            llama.llama_sampler_free(sampler)
