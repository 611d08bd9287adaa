"""Opening a model with libllama: the library, the file, and the first setting that can be trusted with it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import msgspec

from samovar.core.engine import Build, Capabilities, EngineInfo, LoadSpec, Note, Progress, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.blob import fingerprint
from samovar.engines.llama.binding import Binding, ContextOptions
from samovar.engines.llama.builds import installed, version_of
from samovar.engines.llama.context import Context
from samovar.engines.llama.cpu import physical_cores, read_cpu
from samovar.engines.llama.engine import LlamaEngine
from samovar.engines.llama.ladder import FULL, settings
from samovar.engines.llama.model import Model
from samovar.engines.llama.native import MANIFEST, Native, read_native
from samovar.engines.llama.selfcheck import TOLERANCE, disagreement, shift_error, tolerance


def open_llama(spec: LoadSpec, progress: Progress) -> LlamaEngine:
    """Loads `spec.path` with the build of the first setting to try, and settles on one of that build's settings.

    Raises Missing, NotFound, Cancelled, or EngineFailed: "engines.self_check" when none of the build's settings
    computes the model reliably, so that another build may be tried.
    """
    ways = spec.settings or _default_settings(spec)
    first = spec.trusted or 0
    binding = load_binding(ways[first].build, spec.native)
    model = Model(binding, spec.path, progress, spec.rope)
    try:
        return _settle(spec, ways, first, binding, model)
    except EngineFailed:
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


def _settle(spec: LoadSpec, ways: tuple[Setting, ...], first: int, binding: Binding, model: Model) -> LlamaEngine:
    """The engine under the first setting of the binding's build that is trusted or passes the self-check."""
    failures: list[EngineFailed] = []
    for index in range(first, len(ways)):
        if ways[index].build == binding.build:
            try:
                context = _context(spec, ways[index], binding, model, trusted=index == spec.trusted)
            except EngineFailed as why:
                failures.append(why)
                continue
            notes = tuple(Note(why.key, dict(why.facts)) for why in failures)
            return _engine(spec, index, ways[index], binding, model, context, notes)
    raise failures[-1]


def _context(spec: LoadSpec, way: Setting, binding: Binding, model: Model, *, trusted: bool) -> Context:
    """A context under `way`. Raises EngineFailed where the library refuses it, or where it is not trusted and
    disagrees with itself."""
    options = ContextOptions(
        cells=spec.cells,
        batch=max(FULL, way.micro_batch),
        micro_batch=way.micro_batch,
        parallel=spec.parallel,
        threads=spec.threads or physical_cores(),
        flash=way.flash,
        cache=spec.cache,
        rope=spec.rope,
    )
    context = Context(binding, model.handle, options, model.vocabulary.size)
    divergence = 0.0 if trusted else disagreement(context, model.vocabulary)
    allowed = tolerance(spec.cache)
    if divergence <= allowed:
        return context
    context.close()
    raise EngineFailed(
        "engines.self_check",
        build=binding.build,
        micro_batch=way.micro_batch,
        divergence=round(divergence, 3),
        allowed=allowed,
    )


def _engine(
    spec: LoadSpec,
    index: int,
    way: Setting,
    binding: Binding,
    model: Model,
    context: Context,
    notes: tuple[Note, ...],
) -> LlamaEngine:
    words = model.vocabulary
    layout = (*msgspec.structs.astuple(spec.cache), *msgspec.structs.astuple(spec.rope))
    owner = fingerprint("llama", binding.build, binding.version, model.digest, way.flash, *map(str, layout))
    info = EngineInfo(
        architecture=model.architecture,
        description=model.description,
        vocab_size=words.size,
        trained_context=model.trained_context,
        window=min(spec.window, context.cells),
        cells=context.cells,
        parallel=spec.parallel,
        threads=spec.threads or physical_cores(),
        chat_template=words.chat_template,
        bos_token=words.bos,
        eos_token=words.eos,
        bos_text=words.text(words.bos),
        eos_text=words.text(words.eos),
        end_tokens=words.end_tokens,
        special_texts=words.special_texts,
        adds_bos=words.adds_bos,
        capabilities=_capabilities(spec, model, context),
        cache_id=owner.hex(),
        setting=way,
        settled=index,
        notes=notes,
    )
    return LlamaEngine(info, model, context, owner)


def _capabilities(spec: LoadSpec, model: Model, context: Context) -> Capabilities:
    """Layers that keep a running state can neither be cut nor give a copy of their past."""
    attends = not model.keeps_states
    return Capabilities(
        can_remove_tail=attends,
        can_copy=attends,
        can_shift=attends and context.can_shift() and _shifts(spec, model, context),
        can_export=True,
    )


def _shifts(spec: LoadSpec, model: Model, context: Context) -> bool:
    """Whether a shift comes out right: known from an earlier load, else tried."""
    if spec.shifts is not None:
        return spec.shifts
    return shift_error(context, model.vocabulary) <= TOLERANCE
