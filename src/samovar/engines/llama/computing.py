"""Makes what computes a model under one setting, checked where it is not known to be right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from samovar.core.engine import LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.llama.binding import Binding, ContextOptions
from samovar.engines.llama.context import Context
from samovar.engines.llama.contexts import AnyContext, Contexts
from samovar.engines.llama.cpu import physical_cores
from samovar.engines.llama.gathering import Gathering
from samovar.engines.llama.model import Model
from samovar.engines.llama.selfcheck import disagreement, tolerance

BATCH = 512
"""Tokens of one call: not less than any micro-batch."""


def context_for(spec: LoadSpec, way: Setting, binding: Binding, model: Model, *, trusted: bool) -> AnyContext:
    """What computes under `way`. Raises EngineFailed where the library refuses it, or where it is not trusted and
    disagrees with itself."""
    options = ContextOptions(
        cells=spec.window if way.apart else spec.cells,
        batch=BATCH,
        micro_batch=way.micro_batch,
        parallel=1 if way.apart else spec.parallel,
        threads=spec.threads or physical_cores(),
        flash=way.flash,
        cache=spec.cache,
        rope=spec.rope,
    )

    def make(options: ContextOptions) -> Context:
        return Context(binding, model.handle, options, model.vocabulary.size)

    context = _apart(spec, options, make) if way.apart else make(options)
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


def _apart(spec: LoadSpec, one: ContextOptions, make: Callable[[ContextOptions], Context]) -> Contexts:
    """A context for each sequence with the options `one`, and one to gather them in where that may be."""
    gathering = None
    if spec.gathered:
        common = dataclasses.replace(one, parallel=spec.parallel, flash=False)

        def make_common(cells: int) -> Context:
            return make(dataclasses.replace(common, cells=cells))

        gathering = Gathering(make_common, spec.gathered, tolerance(spec.cache), turns=one.flash)
    return Contexts(partial(make, one), spec.parallel, gathering)
