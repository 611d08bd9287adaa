"""The ways to compute a model here, fastest first, and what goes with them: the memory that they take, and the
cache that suits them. Knows no names and no library of models."""

from __future__ import annotations

import dataclasses

from samovar.core.engine import Setting
from samovar.core.errors import NotEnoughMemory
from samovar.core.rope import PLAIN_CACHE, QUICK_CACHE, CacheTypes
from samovar.core.settings import Settings
from samovar.engines.llama.builds import find_native
from samovar.engines.llama.builds import installed as installed_builds
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.faults import source_of
from samovar.engines.llama.ladder import UNQUANTISED
from samovar.engines.llama.ladder import settings as ladder
from samovar.engines.llama.repacking import gains_by_repacking
from samovar.formats.gguf import GgufHeader
from samovar.formats.shape import model_shape
from samovar.hub.memory import Demand, MemoryPlan, fits_blocks, plan_memory

EMBEDDINGS = "token_embd.weight"


def native_folder(chosen: Settings) -> str:
    """Where the library lies that was compiled here; "" for none."""
    native = find_native(chosen.home.builds)
    return native.folder if native else ""


def ways_to_compute(header: GgufHeader, cache: CacheTypes, parallel: int, chosen: Settings) -> tuple[Setting, ...]:
    """Raises Missing where no library can run the model, InvalidInput where none has such a cache."""
    # Without flash attention queries are multiplied with the cached keys as with any matrix of their type.
    keys = (cache.keys.upper(), model_shape(header).key_head)
    ways = ladder(
        builds=[found.build for found in installed_builds(native_folder(chosen))],
        cpu=read_cpu(),
        parallel=parallel,
        tensors=header.tensor_kinds() | {keys},
        preference=chosen.library,
        cache=cache,
        repack=gains_by_repacking(_matrix_types(header)),
    )
    # Between contexts only whole sequences are copied.
    together = tuple(way for way in ways if not way.apart)
    return together if chosen.reuse_shifted and together else ways


def _matrix_types(header: GgufHeader) -> frozenset[str]:
    shaped = (tensor for tensor in header.tensors if len(tensor.shape) > 1)
    return frozenset(tensor.type.name for tensor in shaped if tensor.name != EMBEDDINGS)


def suiting_cache(header: GgufHeader, parallel: int, chosen: Settings) -> CacheTypes:
    """Keys of 8 bits for a quantised model where the library is faster with them, else all in 16 bits. Raises as
    `ways_to_compute`."""
    quantised = any(type not in UNQUANTISED for type, _ in header.tensor_kinds())
    if not (quantised and fits_blocks(model_shape(header), QUICK_CACHE)):
        return PLAIN_CACHE
    first = ways_to_compute(header, QUICK_CACHE, parallel, chosen)[0]
    return QUICK_CACHE if source_of(first.build) == "ik" and first.flash else PLAIN_CACHE


def fitting_ways(
    ways: tuple[Setting, ...], demand: Demand, available: int, window: int | None
) -> tuple[tuple[Setting, ...], MemoryPlan]:
    """The ways that there is memory for, and the plan for the first of them: where a whole window of cells for each
    sequence would make the windows shorter, all share what there is. Raises NotEnoughMemory."""
    together = tuple(way for way in ways if not way.apart)
    if together == ways:
        return ways, _memory(ways[0], demand, available, window)
    try:
        apart = _memory(ways[0], demand, available, window)
    except NotEnoughMemory:
        if not together:
            raise
        return together, _memory(together[0], demand, available, window)
    shared = _memory(together[0], demand, available, window) if together else apart
    return (ways, apart) if apart.window >= shared.window else (together, shared)


def _memory(way: Setting, demand: Demand, available: int, window: int | None) -> MemoryPlan:
    demand = dataclasses.replace(demand, micro_batch=way.micro_batch, flash=way.flash, apart=way.apart)
    return plan_memory(demand, available, window)
