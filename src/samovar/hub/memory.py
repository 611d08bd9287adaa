"""The memory planner: what a model takes with a window, and how many KV cells fit. Pure; refuses before allocation.

The KV cache is exact (llama.cpp's llama_kv_cache: every cell holds the keys and values of every attention layer).
Layers with a sliding window count like the others: a cache that forgets behind the window cannot be cut back to an
earlier token, so the engine keeps it whole. The compute buffer is an estimate, a few per cent above what
llama.cpp reserves: the largest of logits and attention scores of one micro-batch, the mask, some activations. Of
sequences that are kept apart each has its own, where only the pages that are written to count: logits of whole
micro-batches are asked of one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from samovar.core.errors import InvalidParameter, NotEnoughMemory
from samovar.core.rope import KV_TYPES, PLAIN_CACHE, CacheTypes, KvType
from samovar.formats.gguf_types import GGML_TYPES, GgmlType
from samovar.formats.shape import ModelShape

DEFAULT_WINDOW = 8192
SMALLEST_WINDOW = 512
LONGEST_WINDOW = 1 << 24
# llama.cpp pads the cache to whole blocks of so many cells.
CELL_STEP = 256

_F32 = 4
_ACTIVATION_ROWS = 8
# A worker with its interpreter, NumPy, the library and the vocabulary, before it holds a model.
_PROCESS_BYTES = 128 << 20
_MIB = 1 << 20
_BLOCKS: Mapping[str, GgmlType] = MappingProxyType({t.name.lower(): t for t in GGML_TYPES.values()})


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by purpose. `window`: tokens one request may use; `cells`: those of the cache that `parallel` share."""

    window: int
    parallel: int
    cells: int
    weights: int
    kv_per_cell: int
    kv: int
    state: int
    compute: int

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.state + self.compute + _PROCESS_BYTES


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be run: a model of `shape` with `weights` bytes, `parallel` sequences, so and so computed.
    `apart`: each with cells of its own."""

    shape: ModelShape
    weights: int
    parallel: int = 4
    cache: CacheTypes = PLAIN_CACHE
    micro_batch: int = 512
    flash: bool = False
    apart: bool = False


def plan_memory(demand: Demand, available: int, window: int | None = None) -> MemoryPlan:
    """The plan that fits into `available` bytes: `window` cells for each of the parallel sequences, or as many as
    fit, but at least one window, and one for each where they are kept apart. Without `window`: the trained context
    up to DEFAULT_WINDOW, or what fits of it.

    Raises NotEnoughMemory with the largest window that would fit, InvalidParameter for numbers out of range.
    """
    _check(demand, window)
    wished = window or min(demand.shape.trained_context, DEFAULT_WINDOW)
    whole = _padded(wished) * demand.parallel if demand.apart else _padded(wished * demand.parallel)
    fitting = _most_cells(demand, available, most=whole)
    longest = fitting // (demand.parallel * CELL_STEP) * CELL_STEP if demand.apart else fitting
    if window is None:
        wished = min(wished, max(longest, SMALLEST_WINDOW))
    if longest < wished:
        raise _not_enough(demand, available, wished, longest)
    return _plan(demand, wished, fitting)


def gathering_cells(plan: MemoryPlan, available: int) -> int:
    """KV cells beside the plan's in which sequences that are kept apart may be gathered: as many again, in at most
    half of what is left of `available` bytes."""
    fitting = max(available - plan.total, 0) // 2 // max(plan.kv_per_cell, 1)
    return min(fitting // CELL_STEP * CELL_STEP, plan.cells)


def fits_blocks(shape: ModelShape, cache: CacheTypes) -> bool:
    """Whether a head's keys and values are whole blocks of their types: the library takes no others."""
    rows = ((cache.keys, shape.key_head), (cache.values, shape.value_head))
    return all(head % _BLOCKS[type].block == 0 for type, head in rows)


def cell_bytes(shape: ModelShape, cache: CacheTypes) -> int:
    """Bytes of one KV cell: keys and values of one token in every layer."""
    return sum(cell_parts(shape, cache))


def cell_parts(shape: ModelShape, cache: CacheTypes) -> tuple[int, int]:
    """The bytes of the keys, and of the values, of one token in every layer."""
    return _row_bytes(sum(shape.key_width), cache.keys), _row_bytes(sum(shape.value_width), cache.values)


def _row_bytes(elements: int, type: KvType) -> int:
    return elements * _BLOCKS[type].size // _BLOCKS[type].block


def _plan(demand: Demand, window: int, cells: int) -> MemoryPlan:
    shape = demand.shape
    per_cell = cell_bytes(shape, demand.cache)
    return MemoryPlan(
        window=window,
        parallel=demand.parallel,
        cells=cells,
        weights=demand.weights,
        kv_per_cell=per_cell,
        kv=per_cell * cells,
        state=sum(shape.state_width) * _F32 * demand.parallel,
        compute=_compute_bytes(demand, cells),
    )


def _compute_bytes(demand: Demand, cells: int) -> int:
    contexts = demand.parallel if demand.apart else 1
    cells //= contexts
    shape, rows = demand.shape, min(demand.micro_batch, cells)
    logits = rows * shape.vocabulary
    scores = 0 if demand.flash else rows * cells * max(shape.heads)
    mask = rows * cells
    activations = rows * shape.embedding * _ACTIVATION_ROWS
    return _F32 * (max(logits, scores) + (contexts - 1) * scores + contexts * (mask + activations))


def _padded(cells: int) -> int:
    return ceil(cells / CELL_STEP) * CELL_STEP


def _most_cells(demand: Demand, available: int, most: int) -> int:
    """The largest number of cells, in whole steps up to `most`, with which the plan fits; 0 for none."""
    low, high = 0, most // CELL_STEP
    while low < high:
        middle = (low + high + 1) // 2
        if _plan(demand, 1, middle * CELL_STEP).total <= available:
            low = middle
        else:
            high = middle - 1
    return low * CELL_STEP


def _check(demand: Demand, window: int | None) -> None:
    limits = (
        ("window", 1 if window is None else window, 1, LONGEST_WINDOW),
        ("parallel", demand.parallel, 1, 256),
        ("micro_batch", demand.micro_batch, 1, 1 << 16),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise InvalidParameter("core.parameter_range", name=name, value=value, minimum=least, maximum=most)
    _check_cache(demand.shape, demand.cache)


def _check_cache(shape: ModelShape, cache: CacheTypes) -> None:
    for type in (cache.keys, cache.values):
        if type not in KV_TYPES:
            raise InvalidParameter("hub.kv_type", type=type[:40], known=", ".join(KV_TYPES))
    if not fits_blocks(shape, cache):
        heads = f"{shape.key_head} / {shape.value_head}"
        raise InvalidParameter("hub.kv_blocks", keys=cache.keys, values=cache.values, heads=heads)


def _not_enough(demand: Demand, available: int, window: int, fitting: int) -> NotEnoughMemory:
    plan = _plan(demand, window, _padded(window) * (demand.parallel if demand.apart else 1))
    facts = {
        "window": window,
        "total": ceil(plan.total / _MIB),
        "weights": ceil(plan.weights / _MIB),
        "kv": ceil((plan.kv + plan.state) / _MIB),
        "available": available // _MIB,
    }
    if fitting < SMALLEST_WINDOW:
        return NotEnoughMemory("hub.memory_model", **facts)
    return NotEnoughMemory("hub.memory_window", largest=fitting, **facts)
