"""What it takes to load a model that reads texts and does not write: no KV cache, and no window that is longer than
what it has learnt."""

from __future__ import annotations

from dataclasses import replace

from samovar.core.engine import LoadSpec, Note
from samovar.core.settings import Settings
from samovar.engines.llama.builds import installed
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.ladder import settings_for_texts
from samovar.formats.gguf import GgufHeader
from samovar.formats.shape import ModelShape, model_shape
from samovar.hub.memory import Demand
from samovar.services.ways import fitting_ways, native_folder


def plan_reader(
    path: str, header: GgufHeader, available: int, wanted: int | None, chosen: Settings
) -> tuple[LoadSpec, int]:
    """How to load it, and the bytes that it takes of those `available`. `wanted`: tokens of the longest text.
    Raises NotEnoughMemory; Missing where no library can run it."""
    shape, native = model_shape(header), native_folder(chosen)
    most = min(wanted or shape.trained_context, shape.trained_context)
    ways = settings_for_texts(
        builds=[found.build for found in installed(native)],
        cpu=read_cpu(),
        longest=most,
        tensors=header.tensor_kinds(),
        preference=chosen.library,
    )
    demand = Demand(shape=_without_cache(shape), weights=header.weight_bytes, parallel=1)
    ways, memory = fitting_ways(ways, demand, available, None if wanted is None else most)
    spec = LoadSpec(
        engine="llama",
        path=path,
        window=memory.window,
        cells=memory.window,
        parallel=1,
        threads=chosen.threads or 0,
        settings=ways,
        shifts=False,
        native=native,
        memory=memory.total,
        notes=_notes(shape, wanted),
    )
    return spec, memory.total


def _notes(shape: ModelShape, wanted: int | None) -> tuple[Note, ...]:
    most = shape.trained_context
    too_much = (Note("models.window_learnt", {"window": wanted, "most": most}),) if wanted and wanted > most else ()
    return (Note("runtime.only_embeds", {"architecture": shape.architecture}), *too_much)


def _without_cache(shape: ModelShape) -> ModelShape:
    """Nothing is kept of a text, and no token is drawn."""
    none = (0,) * shape.layers
    return replace(shape, key_width=none, value_width=none, vocabulary=0)
