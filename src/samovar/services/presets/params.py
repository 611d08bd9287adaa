"""Values of sampling parameters: checked, completed, laid over each other, and as plain JSON.

The steps' declarations come with numpy, which the start of the front need not wait for: they are imported where
they are first asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from samovar.core.errors import InvalidParameter
from samovar.core.parameters import SamplingParams, Value
from samovar.store.values import Sampling


def checked(values: Mapping[str, object], order: Iterable[str] = ()) -> SamplingParams:
    """`values` by the parameters' own names. Raises InvalidParameter for a name or a step that does not exist, and
    for a value of another type or outside its range."""
    from samovar.sampling.registry import arrange, resolve

    named, unknown = resolve(values)
    if unknown:
        raise InvalidParameter("sampling.unknown_parameter", name=", ".join(unknown))
    arrange(steps := tuple(order))
    return SamplingParams(named, steps)


def switched_off(params: SamplingParams) -> SamplingParams:
    """`params`, and every step that they do not name switched off. What belongs to a step beside its switch, such
    as a range, stays at its default."""
    from samovar.sampling.registry import steps

    switches = [switch for step in steps().values() for switch in step.parameters[: step.switches]]
    neutral = {switch.name: switch.neutral for switch in switches}
    return SamplingParams({**neutral, **params.values}, params.order, params.seed)


def laid_over(base: SamplingParams, own: SamplingParams) -> SamplingParams:
    """`base`, except for what `own` sets."""
    return SamplingParams({**base.values, **own.values}, own.order or base.order, own.seed)


def params_of(kept: Sampling | None) -> SamplingParams:
    """What a conversation keeps, for a request. A name that this version does not know is left out; raises
    InvalidParameter for a value that it does not take."""
    if kept is None:
        return SamplingParams()
    from samovar.sampling.registry import resolve, steps

    known, _ = resolve(kept.values)
    return SamplingParams(known, tuple(name for name in kept.order if name in steps()))


def plain(values: Mapping[str, Value]) -> dict[str, object]:
    """`values` as JSON has them: it has no infinity, so a token's ban is `false`, as clients spell it."""
    return {name: _biases(value) if isinstance(value, dict) else value for name, value in values.items()}


def _biases(value: Mapping[int, float]) -> dict[str, object]:
    return {str(token): False if bias == -math.inf else bias for token, bias in value.items()}
