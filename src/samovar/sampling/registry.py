"""All sampling steps, found in the folder `steps/`, and the checking of what a request sets.

Defaults are llama.cpp's (temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalties): its users' presets and
habits assume them, and a small model that gets no parameters at all stays coherent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from samovar.core.errors import InvalidParameter
from samovar.core.parameters import Parameter, Value
from samovar.sampling import steps as folder
from samovar.sampling.orders import DEFAULT_ORDER, complete
from samovar.sampling.step import Step, Values


@lru_cache(maxsize=1)
def steps() -> Mapping[str, Step]:
    """Every step by name, in default order."""
    found: dict[str, Step] = {}
    for module in iter_modules(folder.__path__):
        step = import_module(f"{folder.__name__}.{module.name}").STEP
        if not isinstance(step, Step) or step.name != module.name:
            raise TypeError(f"steps/{module.name}.py must hold STEP, a Step of its own name")
        found[step.name] = step
    if set(found) != set(DEFAULT_ORDER):
        raise TypeError(f"steps without a place in the default order: {set(found) ^ set(DEFAULT_ORDER)}")
    return MappingProxyType({name: found[name] for name in DEFAULT_ORDER})


@lru_cache(maxsize=1)
def parameters() -> Mapping[str, Parameter]:
    """Every parameter by its own name and by each of its aliases."""
    declared = [p for step in steps().values() for p in step.parameters]
    named = [(name, p) for p in declared for name in (p.name, *p.aliases)]
    if len(named) != len(dict(named)):
        raise TypeError("two sampling parameters share a name")
    return MappingProxyType(dict(named))


@lru_cache(maxsize=1)
def defaults() -> Values:
    """Every parameter's default, by its own name."""
    return MappingProxyType({p.name: p.default for p in parameters().values()})


@lru_cache(maxsize=1)
def neutral() -> Values:
    """Every parameter's neutral value, by its own name: with them the distribution is the model's own."""
    return MappingProxyType({p.name: p.neutral for p in parameters().values()})


def resolve(values: Mapping[str, object]) -> tuple[dict[str, Value], list[str]]:
    """(checked values by the parameters' own names, names that no step declares).

    A value None counts as not given. Where a request uses a parameter's name and an alias, the name wins.
    Raises InvalidParameter for a value of another type or outside the range.
    """
    known = parameters()
    checked: dict[str, Value] = {}
    for name, value in values.items():
        if name in known and value is not None:
            parameter = known[name]
            one = parameter.check(value)
            if name == parameter.name or values.get(parameter.name) is None:
                checked[parameter.name] = one
    return checked, [name for name in values if name not in known]


def arrange(order: tuple[str, ...], *, temperature_last: bool = False) -> tuple[Step, ...]:
    """All steps as `order` says, see `orders.complete`.

    Raises InvalidParameter for a name that no step has, or one that comes twice.
    """
    for name in order:
        if name not in steps():
            raise InvalidParameter("sampling.unknown_step", name=name, known=", ".join(steps()))
        if order.count(name) > 1:
            raise InvalidParameter("sampling.repeated_step", name=name)
    return tuple(steps()[name] for name in complete(order, temperature_last=temperature_last))
