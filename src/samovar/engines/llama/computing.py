"""Makes what computes a model under one setting, checked where it is not known to be right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from functools import partial

from msgspec.structs import replace

from samovar.core.engine import LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.llama.binding import Binding, ContextOptions
from samovar.engines.llama.context import Context
from samovar.engines.llama.contexts import AnyContext, Contexts
from samovar.engines.llama.cpu import physical_cores
from samovar.engines.llama.embedding import Embedding
from samovar.engines.llama.gathering import Gathering
from samovar.engines.llama.model import Model
from samovar.engines.llama.selfcheck import CELLS, disagreement, shift_error, tolerance

BATCH = 512
"""Tokens of one call: not less than any micro-batch."""
EMBEDDED = 64
"""The same, of texts that are embedded in parts: `mainline` makes room for the logits of them all."""


def context_for(spec: LoadSpec, way: Setting, binding: Binding, model: Model, *, trusted: bool) -> AnyContext:
    """What computes under `way`. Raises EngineFailed where the library refuses it, or where it is not trusted and
    disagrees with itself."""
    if not trusted:
        _check(spec, way, binding, model)
    return _made(spec, way, binding, model)


def embedding_for(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> Embedding:
    """What computes hidden states, as `way` computes logits: in one piece where tokens see those after them."""

    def make(cells: int) -> Context:
        batch = EMBEDDED if model.causal else cells
        options = ContextOptions(
            cells=cells,
            batch=batch,
            micro_batch=min(way.micro_batch, batch) if model.causal else batch,
            parallel=1,
            threads=spec.threads or physical_cores(),
            flash=way.flash,
            cache=spec.cache,
            rope=spec.rope,
            hidden=True,
        )
        return Context(binding, model.handle, options, binding.width(model.handle))

    return Embedding(make, spec.window, whole=not model.causal)


def shifts_right(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> bool:
    """Whether what was computed under `way` can be moved to other positions."""
    with closing(_made(_to_try(spec), way, binding, model)) as context:
        return shift_error(context, model.vocabulary) <= tolerance(spec.cache)


def _check(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> None:
    with closing(_made(_to_try(spec), way, binding, model)) as context:
        divergence = disagreement(context, model.vocabulary)
    allowed = tolerance(spec.cache)
    # Not the other way round: what is not a number is not allowed either.
    if not divergence <= allowed:
        raise EngineFailed(
            "engines.self_check",
            build=binding.build,
            micro_batch=way.micro_batch,
            divergence=round(divergence, 3),
            allowed=allowed,
        )


def _to_try(spec: LoadSpec) -> LoadSpec:
    """For a context that is closed again. Not the one that serves: `ik` clears at each token as many rows of logits
    as it was ever asked for at once, and checking asks for 64, which cost SmolLM2 7 % of each token."""
    return replace(spec, window=CELLS, cells=CELLS, gathered=0)


def _made(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> AnyContext:
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

    return _apart(spec, options, make) if way.apart else make(options)


def _apart(spec: LoadSpec, one: ContextOptions, make: Callable[[ContextOptions], Context]) -> Contexts:
    """A context for each sequence with the options `one`, and one to gather them in where that may be."""
    gathering = None
    if spec.gathered:
        common = dataclasses.replace(one, parallel=spec.parallel, flash=False)

        def make_common(cells: int) -> Context:
            return make(dataclasses.replace(common, cells=cells))

        gathering = Gathering(make_common, spec.gathered, tolerance(spec.cache), turns=one.flash)
    return Contexts(partial(make, one), spec.parallel, gathering)
