"""The engine alone: `llama_decode` in a loop over prepared batches, with nothing of Samovar's between.

What the server is measured against. The tokens are fixed, and no logits are read: the least work that gives them.
"""

from __future__ import annotations

import ctypes
import time

import numpy as np

from samovar.core.engine import LoadSpec, Setting
from samovar.engines.llama.binding import ContextOptions, ModelOptions
from samovar.engines.llama.model import Model
from samovar.engines.llama.opening import load_binding


class Bare:
    """One context of one build. Of a setting that keeps sequences apart: one for a single sequence, as the server
    has, and one for all."""

    def __init__(self, spec: LoadSpec, setting: Setting, threads: int) -> None:
        self._binding = load_binding(setting.build, spec.native)
        self._model = Model(self._binding, spec.path, lambda _: True, ModelOptions(spec.rope, setting.repacked))
        self._sequences = spec.parallel
        self._oldest = 0
        size = setting.micro_batch
        flash = setting.flash and not setting.apart
        several = ContextOptions(spec.cells, 512, size, spec.parallel, threads, flash, spec.cache)
        self._several = self._context = self._binding.new_context(self._model.handle, several)
        self._one = self._several
        if setting.apart:
            one = ContextOptions(spec.window, 512, size, 1, threads, setting.flash, spec.cache)
            self._one = self._binding.new_context(self._model.handle, one)

    def prefill(self, count: int) -> float:
        """Seconds to compute `count` tokens in the place of the sequence that was used longest ago, as the server
        does: the other sequences stay in the cache, and cost what they cost."""
        self._oldest = (self._oldest + 1) % self._sequences
        self._context = self._several
        self._forget(self._oldest)
        began = time.perf_counter()
        for start in range(0, count, 512):
            size = min(512, count - start)
            self._decode(range(start, start + size), [self._oldest] * size, last_only=True)
        return time.perf_counter() - began

    def decode(self, streams: int, depth: int, steps: int) -> float:
        """Seconds for one of `steps` steps of one token of each of `streams` sequences with `depth` tokens."""
        self._context = self._one if streams == 1 else self._several
        for sequence in range(streams if self._one is self._context else self._sequences):
            self._forget(sequence)
        for sequence in range(streams):
            self._decode(range(depth), [sequence] * depth, last_only=True)
        began = time.perf_counter()
        for step in range(steps):
            self._decode([depth + step] * streams, list(range(streams)), last_only=False)
        return (time.perf_counter() - began) / steps

    def _forget(self, sequence: int) -> None:
        self._binding.remove(self._context, sequence, 0, -1)

    def _decode(self, positions: range | list[int], sequences: list[int], *, last_only: bool) -> None:
        count = len(sequences)
        tokens = np.arange(1000, 1000 + count, dtype=np.int32)
        places = np.array(positions, dtype=np.int32)
        owners = np.array(sequences, dtype=np.int32)
        ones = np.ones(count, dtype=np.int32)
        wanted = np.zeros(count, dtype=np.int8) if last_only else np.ones(count, dtype=np.int8)
        wanted[-1] = 1
        addresses = owners.ctypes.data + 4 * np.arange(count, dtype=np.uintp)
        batch = self._binding.batch_type()
        batch.n_tokens = count
        arrays = {"token": tokens, "pos": places, "n_seq_id": ones, "seq_id": addresses, "logits": wanted}
        for name, array in arrays.items():
            setattr(batch, name, ctypes.cast(array.ctypes.data, type(getattr(batch, name))))
        code = self._binding.decode(self._context, batch)
        if code:
            raise RuntimeError(f"llama_decode returned {code}")
        if self._binding.logits(self._context) == 0:
            raise RuntimeError("no logits")
