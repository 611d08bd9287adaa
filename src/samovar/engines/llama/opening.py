"""Opening a model with libllama: the library, the file, and the first setting that can be trusted with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from msgspec.structs import astuple, replace

from samovar.core.engine import Build, Capabilities, Engine, EngineInfo, LoadSpec, Note, Pace, Progress, Setting
from samovar.core.errors import Cancelled, EngineFailed, SamovarError
from samovar.engines.blob import fingerprint
from samovar.engines.llama.binding import Binding, ModelOptions
from samovar.engines.llama.builds import installed, version_of
from samovar.engines.llama.calibrate import ContextTrial, Deadline, calibrate, watch_others
from samovar.engines.llama.choice import thread_counts
from samovar.engines.llama.computing import context_for, embedding_for, shifts_right
from samovar.engines.llama.context import Context
from samovar.engines.llama.contexts import AnyContext
from samovar.engines.llama.cpu import logical_cores, physical_cores, read_cpu
from samovar.engines.llama.engine import LlamaEngine
from samovar.engines.llama.infilling import find_infill
from samovar.engines.llama.ladder import settings
from samovar.engines.llama.model import Model
from samovar.engines.llama.native import MANIFEST, Native, read_native
from samovar.engines.llama.outputs import rows_at_ease
from samovar.engines.llama.reader import open_reader
from samovar.engines.llama.selfcheck import CELLS

LOADED = 0.9
"""The share of a load's progress after which it is calibrated."""
MEASURING = 0.5
"""The share of the time for calibrating that measuring gets: the rest is for checking settings."""
CHECKING = 4.0
"""Checking a setting takes about so many times as long as filling a trial's cache."""


def open_llama(spec: LoadSpec, progress: Progress) -> Engine:
    """Loads `spec.path` as the first setting to try says, and settles on one of those that go with that: the
    first that can be trusted or, where there is time to calibrate, the fastest of those.

    Raises Missing, NotFound, Cancelled, or EngineFailed: "engines.self_check" when none of the settings
    that go with this way of loading computes the model reliably, so that another may be tried.
    """
    ways = spec.settings or _default_settings(spec)
    first = spec.trusted or 0
    binding = load_binding(ways[first].build, spec.native)
    measures = spec.calibrate > 0 and spec.pace is None and min(spec.window, spec.cells) >= CELLS
    options = ModelOptions(spec.rope, ways[first].repacked)
    model = Model(binding, spec.path, lambda share: progress(share * (LOADED if measures else 1)), options)
    try:
        if not model.causal:
            return open_reader(spec, ways, binding, model)
        own = [index for index in range(first, len(ways)) if ways[index].loading == ways[first].loading]
        settled = _settle(spec, ways, own, binding, model)
        if not measures:
            return _engine(spec, ways, settled, spec.pace, binding, model)
        rest = own[own.index(settled.index) + 1 :]
        settled, pace = _calibrated(spec, ways, settled, rest, binding, model, progress)
        return _engine(spec, ways, settled, pace, binding, model)
    except SamovarError:
        model.close()
        raise


@cache
def load_binding(build: str, native: str = "") -> Binding:
    """The build's library, loaded into this process once: it keeps pointing at its binding's log callback.

    `native`: the folder of the compiled one. Raises Missing, or EngineFailed where it does not load."""
    # GNU OpenMP's workers spin while they wait: 2000 rounds are quick on a quiet machine and kind to a busy one.
    # Read when the library is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    compiled = _compiled(native) if build == "ik-native" else None
    version = compiled.version if compiled else version_of(build)
    try:
        if build == "mainline":
            from samovar.engines.llama.mainline import MainlineBinding

            return MainlineBinding(version)
        if compiled:
            os.environ["IK_LLAMA_CPP_LIB_PATH"] = str(compiled.library)
        from samovar.engines.llama.ik import IkBinding

        return IkBinding(version, compiled)
    except (OSError, AttributeError, ImportError) as why:
        raise EngineFailed("engines.library_broken", build=build, version=version, reason=str(why)) from why


def _compiled(folder: str) -> Native:
    """The library compiled into `folder`, whole. Raises EngineFailed."""
    native = read_native(Path(folder)) if folder else None
    if native is None:
        raise EngineFailed("engines.native_damaged", file=MANIFEST, folder=folder)
    native.check()
    return native


def _default_settings(spec: LoadSpec) -> tuple[Setting, ...]:
    builds: list[Build] = [found.build for found in installed(spec.native)]
    return settings(builds=builds, cpu=read_cpu(), parallel=spec.parallel)


@dataclass(frozen=True)
class _Settled:
    """A setting, by its index, with a context; and why those before it are out."""

    index: int
    context: AnyContext
    failures: tuple[EngineFailed, ...] = ()


def _settle(
    spec: LoadSpec, ways: tuple[Setting, ...], order: Sequence[int], binding: Binding, model: Model
) -> _Settled:
    """The first setting in `order` that is trusted or passes the self-check. Raises EngineFailed."""
    failures: list[EngineFailed] = []
    for index in order:
        try:
            context = context_for(spec, ways[index], binding, model, trusted=index == spec.trusted)
        except EngineFailed as why:
            failures.append(why)
        else:
            return _Settled(index, context, tuple(failures))
    raise failures[-1]


def _calibrated(
    spec: LoadSpec,
    ways: tuple[Setting, ...],
    settled: _Settled,
    rest: Sequence[int],
    binding: Binding,
    model: Model,
    progress: Progress,
) -> tuple[_Settled, Pace | None]:
    """`settled`, unless one of the `rest` is right too and clearly faster; and how fast it is. Raises Cancelled."""

    def tick() -> None:
        if not progress(LOADED):
            settled.context.close()
            raise Cancelled("engines.load_cancelled")

    small = replace(spec, window=CELLS, cells=CELLS, gathered=0)
    budget = Deadline(spec.calibrate)
    with ExitStack() as opened:
        trials = [ContextTrial(ways[settled.index], settled.context)]
        check = CHECKING * (spec.calibrate - budget.left)
        for index in rest:
            tick()
            if budget.left - check < spec.calibrate * MEASURING:
                break
            with suppress(EngineFailed):
                context = context_for(small, ways[index], binding, model, trusted=False)
                opened.callback(context.close)
                trials.append(ContextTrial(ways[index], context))
        counts = (spec.threads,) if spec.threads else thread_counts(physical_cores(), logical_cores())
        pace = calibrate(trials, counts, budget.left, tick, watch_others())
    settled.context.remove(0, 0, None)
    progress(1.0)
    if pace is None or pace.setting == ways[settled.index]:
        return settled, pace
    settled.context.close()
    faster = ways.index(pace.setting)
    again = _settle(replace(spec, trusted=faster), ways, (faster, settled.index), binding, model)
    return _Settled(again.index, again.context, settled.failures + again.failures), pace


def _engine(
    spec: LoadSpec, ways: tuple[Setting, ...], settled: _Settled, pace: Pace | None, binding: Binding, model: Model
) -> LlamaEngine:
    way, context, words = ways[settled.index], settled.context, model.vocabulary
    pace = pace if pace and pace.setting == way else None
    layout = (*astuple(spec.cache), *astuple(spec.rope))
    owner = fingerprint("llama", binding.build, binding.version, model.digest, way.flash, *map(str, layout))
    info = EngineInfo(
        architecture=model.architecture,
        description=model.description,
        vocab_size=words.size,
        trained_context=model.trained_context,
        window=min(spec.window, context.cells),
        cells=context.cells,
        parallel=spec.parallel,
        threads=pace.threads if pace else spec.threads or physical_cores(),
        prompt_threads=pace.prompt_threads if pace else 0,
        pace=pace,
        rows=rows_at_ease(binding.build, words.size, Path(spec.path).stat().st_size),
        pooling=model.pooling,
        infill=find_infill(model.metadata, words),
        chat_template=words.chat_template,
        bos_token=words.bos,
        eos_token=words.eos,
        bos_text=words.text(words.bos),
        eos_text=words.text(words.eos),
        end_tokens=words.end_tokens,
        special_texts=words.special_texts,
        adds_bos=words.adds_bos,
        adds_eos=model.adds_eos,
        capabilities=_capabilities(spec, way, binding, model, context),
        cache_id=owner.hex(),
        setting=way,
        settled=settled.index,
        notes=tuple(Note(why.key, dict(why.facts)) for why in settled.failures),
    )
    context.set_threads(info.threads)
    embedding = embedding_for(spec, way, binding, model)
    embedding.set_threads(info.prompt_threads or info.threads)
    return LlamaEngine(info, model, context, embedding, owner)


def _capabilities(
    spec: LoadSpec, way: Setting, binding: Binding, model: Model, context: AnyContext
) -> Capabilities:
    """Layers that keep a running state can neither be cut nor give a copy of their past. Whether a shift comes out
    right is known from an earlier load, else tried."""
    attends = not model.keeps_states
    shifts = attends and context.can_shift()
    if shifts:
        shifts = shifts_right(spec, way, binding, model) if spec.shifts is None else spec.shifts
    return Capabilities(
        can_remove_tail=attends,
        can_copy=attends,
        can_copy_range=attends and isinstance(context, Context),
        can_shift=shifts,
        can_export=True,
        can_set_threads=True,
        can_embed=True,
    )
