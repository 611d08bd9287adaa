"""Options about the context for commands that load a model: positions past the trained ones, and what the KV cache
is made of. Made from the fields of `ContextWish`."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated

import msgspec
import typer

from samovar.core.rope import ContextWish


class ContextOptions:
    """Decorates a command that takes `context: ContextWish`: it gets an option for every field in its place."""

    def __init__(self, command: Callable[..., None]) -> None:
        functools.update_wrapper(self, command)
        signature = inspect.signature(command, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "context"]
        kinds = typing.get_type_hints(ContextWish)
        self._command = command
        self.__signature__ = signature.replace(
            parameters=[*own, *(_option(name, kinds[name]) for name in ContextWish.__struct_fields__)]
        )

    def __call__(self, **options: object) -> None:
        said = {name: options.pop(name) for name in ContextWish.__struct_fields__}
        self._command(context=msgspec.convert(said, ContextWish), **options)


def _option(name: str, kind: object) -> inspect.Parameter:
    option = typer.Option(
        "--" + name.replace("_", "-"),
        envvar="SAMOVAR_" + name.upper(),
        metavar="N" if kind in (float | None, int | None) else None,
        help=f"cli.option_{name}",
    )
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])
