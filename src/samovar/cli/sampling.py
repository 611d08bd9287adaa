"""Sampling options for commands, made from the parameters that the sampling steps declare."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from samovar.core.parameters import Parameter, SamplingParams
from samovar.sampling.registry import parameters, resolve

TYPES: dict[str, type[float] | type[int] | type[bool]] = {"float": float, "int": int, "bool": bool}
"""What is no number is written as a text, which the parameter itself reads."""

SeedOption = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="cli.option_seed")]


class SamplingOptions:
    """Decorates a command that takes `sampling: SamplingParams`: it gets an option for every parameter, and one for
    the seed, in its place."""

    def __init__(self, command: Callable[..., None]) -> None:
        functools.update_wrapper(self, command)
        signature = inspect.signature(command, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "sampling"]
        self._command = command
        self._declared = {parameter.name: parameter for parameter in parameters().values()}
        self.__signature__ = signature.replace(
            parameters=[*own, *map(_option, self._declared.values()), _keyword("seed", SeedOption)]
        )

    def __call__(self, *, seed: int | None, **options: object) -> None:
        values, _ = resolve({name: options.pop(name) for name in self._declared})
        self._command(sampling=SamplingParams(values=values, seed=seed), **options)


def _option(parameter: Parameter) -> inspect.Parameter:
    kind = TYPES.get(parameter.kind, str)
    flag = "--" + parameter.name.replace("_", "-")
    metavar = "N" if parameter.kind in TYPES else "LIST"
    return _keyword(
        parameter.name, Annotated[kind | None, typer.Option(flag, metavar=metavar, help=parameter.help_key)]
    )


def _keyword(name: str, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
