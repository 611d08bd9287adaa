"""The `samovar` command. Knows the names of the commands, and imports the one that is asked for.

A command `name` is the function `name` of `cli/name.py`; its help is the catalogue's "cli.help_<name>".
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_group

from samovar.cli.failures import guarded
from samovar.cli.options import terminal_language
from samovar.core.catalogue import Language, say, sentences

COMMANDS = (
    *("serve", "run", "pull", "ls", "show", "rm", "alias", "settings", "ps", "load", "unload", "keys"),
    *("build", "bench", "doctor"),
)


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    try:
        command_line(arguments, terminal_language())(arguments, prog_name="samovar")
    finally:
        # All is done but the interpreter's own end: one more Ctrl-C must not turn it into a death by signal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def command_line(arguments: Sequence[str], language: Language) -> TyperGroup:
    """The group of all commands; the one that `arguments` name is whole, the others only have a name and a help."""
    asked = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(
        help=say("cli.help", language),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        callback=_root,
    )
    for name in COMMANDS:
        function = guarded(load(name), language) if name == asked else _unasked
        app.command(name, help=say(f"cli.help_{name}", language))(function)
    group = get_group(app)
    _translate(group, language)
    return group


def load(name: str) -> Callable[..., None]:
    """The function behind a command."""
    command: Callable[..., None] = getattr(importlib.import_module(f"samovar.cli.{name}"), name)
    return command


def _unasked() -> None:
    """Stands in the list of commands for one that will not be called."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"samovar {version('samovar')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="cli.option_version")
    ] = False,
) -> None:
    """Holds the options that stand before the command."""


def _translate(group: TyperGroup, language: Language) -> None:
    """Puts sentences where the options' helps are catalogue keys."""
    for command in (group, *group.commands.values()):
        for parameter in command.params:
            if isinstance(parameter, TyperOption | TyperArgument):
                key = parameter.help or ""
                parameter.help = say(key, language) if key in sentences() else key
