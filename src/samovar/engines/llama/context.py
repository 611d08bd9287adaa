"""A libllama context: the batch that goes in, the logits that come out, and the KV cache between.

The one place that decode calls pass through; what happens per call is kept to a few C-level operations.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed
from samovar.core.rope import PLAIN_CACHE
from samovar.engines.llama.binding import Binding, ContextOptions

if TYPE_CHECKING:
    from samovar.core.engine import Logits

    Numbers = ctypes.Array[ctypes.c_int32] | ctypes.Array[ctypes.c_int8] | ctypes.Array[ctypes.c_void_p]

_NO_SLOT = 1


class Context:
    """One llama_context with a reusable llama_batch. Raises EngineFailed where the library cannot make it.

    Its rows are logits; with `options.hidden` hidden states, `vocab_size` being their width."""

    def __init__(self, binding: Binding, model: int, options: ContextOptions, vocab_size: int) -> None:
        handle = binding.new_context(model, options)
        if not handle:
            raise EngineFailed(
                "engines.context_failed",
                build=binding.build,
                cells=options.cells,
                reason=binding.log.reason() or "–",
            )
        self._binding = binding
        self._handle = handle
        self._output = binding.hidden if options.hidden else binding.logits
        self.vocab_size = vocab_size
        # The library takes no more at once than the cells that it was asked for, even where it has made more.
        self._room = min(options.batch, options.cells)
        self._threads = options.threads
        # `ik` moves quantised cells by a copy that overwrites what lies behind them; and its flash attention looks
        # for the tokens of a sliding window in the last cells only.
        self._movable = options.cache == PLAIN_CACHE and not options.flash
        self._gaps = False
        self._shifted = False
        self._viewed = (0, 0)
        self._view = np.empty((0, vocab_size), dtype=np.float32)
        # Plain C arrays: to fill them from lists touches less memory than NumPy does, between two tokens.
        numbers = ctypes.c_int32 * options.batch
        self._tokens, self._positions, self._sequences = numbers(), numbers(), numbers()
        self._wanted = (ctypes.c_int8 * options.batch)()
        self._ones = numbers(*[1] * options.batch)
        begin, each = ctypes.addressof(self._sequences), ctypes.sizeof(ctypes.c_int32)
        self._addresses = (ctypes.c_void_p * options.batch)(*range(begin, begin + each * options.batch, each))
        self._batch = _batch_over(
            binding.batch_type,
            token=self._tokens,
            pos=self._positions,
            n_seq_id=self._ones,
            seq_id=self._addresses,
            logits=self._wanted,
        )
        self.cells = binding.context_cells(handle)

    def decode(self, batch: Batch) -> Logits:
        """As `Engine.decode`, for a checked batch. On failure the batch's positions are removed again."""
        count = len(batch.tokens)
        if not count:
            return self._rows(0)
        self._close_gaps()
        try:
            if count <= self._room:
                return self._piece(batch, 0, count)
            pieces = range(0, count, self._room)
            return np.concatenate([self._piece(batch, at, min(at + self._room, count)).copy() for at in pieces])
        except EngineFailed:
            self._take_back(batch)
            raise

    def set_threads(self, count: int) -> None:
        if count != self._threads:
            self._binding.set_threads(self._open, count, count)
            self._threads = count

    def remove(self, sequence: int, start: int, end: int | None) -> bool:
        self._gaps = self._binding.compact_cells
        return self._binding.remove(self._open, sequence, start, -1 if end is None else end)

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        self._binding.copy(self._open, source, target, start, end)

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        self._binding.shift(self._open, sequence, start, end, by)
        self._shifted = True

    def can_shift(self) -> bool:
        return self._binding.can_shift(self._open)

    def export(self, sequence: int) -> bytearray:
        """The sequence's state as the library writes it."""
        self._turn_keys(sequence)
        size = self._binding.state_size(self._open, sequence)
        state = bytearray(size)
        written = self._binding.state_read(self._open, sequence, _address(state), size)
        if written != size:
            raise EngineFailed("engines.export_failed", sequence=sequence, size=size, written=written)
        return state

    def restore(self, sequence: int, state: memoryview) -> None:
        """Fills `sequence` from what `export` gave. Raises EngineFailed where the cells do not suffice."""
        self._close_gaps()
        if not self._binding.state_write(self._open, sequence, _address(state), len(state)):
            self.remove(sequence, 0, None)
            raise EngineFailed("engines.restore_failed", size=len(state), reason=self._binding.log.reason() or "–")

    def close(self) -> None:
        if self._handle:
            self._binding.free_context(self._handle)
            self._handle = 0

    @property
    def _open(self) -> int:
        if not self._handle:
            raise EngineFailed("engines.closed")
        return self._handle

    def _piece(self, batch: Batch, start: int, end: int) -> Logits:
        """Computes entries [start, end) in one call; a view of the library's logits."""
        count = end - start
        self._tokens[:count] = [*batch.tokens[start:end]]
        self._positions[:count] = [*batch.positions[start:end]]
        self._sequences[:count] = [*batch.sequences[start:end]]
        wanted = batch.wanted[start:end]
        self._wanted[:count] = [*wanted]
        self._batch.n_tokens = count
        code = self._binding.decode(self._open, self._batch)
        if code == 0:
            self._shifted = False
            return self._rows(sum(wanted))
        reason = self._binding.log.reason() or "–"
        if code == _NO_SLOT:
            raise EngineFailed("engines.cells_exhausted", needed=count, cells=self.cells)
        raise EngineFailed("engines.decode_failed", code=code, reason=reason)

    def _rows(self, count: int) -> Logits:
        if not count:
            return np.empty((0, self.vocab_size), dtype=np.float32)
        address = self._output(self._open)
        if not address:
            raise EngineFailed("engines.no_logits")
        if (address, count) != self._viewed:
            floats = (ctypes.c_float * (count * self.vocab_size)).from_address(address)
            self._view = np.frombuffer(memoryview(floats), dtype=np.float32).reshape(count, self.vocab_size)
            self._viewed = (address, count)
        return self._view

    def _turn_keys(self, sequence: int) -> None:
        """Sees that keys are as their positions say: after a shift, they are once something has been computed."""
        if self._shifted:
            end = self._binding.last_position(self._open, sequence) + 1
            self.decode(Batch([0], [end], [sequence], [False]))
            self.remove(sequence, end, None)

    def _close_gaps(self) -> None:
        if self._gaps and not self._binding.compact(self._open, movable=self._movable):
            raise EngineFailed("engines.scattered", build=self._binding.build)
        self._gaps = False

    def _take_back(self, batch: Batch) -> None:
        """Removes the batch's positions, which are the last of their sequences."""
        firsts: dict[int, int] = {}
        for sequence, position in zip(batch.sequences, batch.positions, strict=True):
            firsts.setdefault(sequence, position)
        for sequence, position in firsts.items():
            self.remove(sequence, position, None)


def _batch_over(kind: type[ctypes.Structure], **arrays: Numbers) -> ctypes.Structure:
    """A batch whose pointers lead into `arrays`; the caller keeps them alive."""
    batch = kind()
    for name, array in arrays.items():
        setattr(batch, name, ctypes.cast(array, type(getattr(batch, name))))
    return batch


def _address(data: bytearray | memoryview) -> int:
    """Where the bytes lie. An address of 0 is never given for bytes that exist."""
    return int(np.frombuffer(data, dtype=np.uint8).ctypes.data) if len(data) else 0
