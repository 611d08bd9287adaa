"""`samovar unload`: takes models out of the running server's memory."""

from __future__ import annotations

from typing import Annotated

import typer

from samovar.cli.figures import printable
from samovar.cli.options import HomeOption, KeyOption, home_from, terminal_language
from samovar.cli.server import Server
from samovar.core.catalogue import say


def unload(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="fleet.argument_unload")] = None,
    home: HomeOption = None,
    api_key: KeyOption = None,
) -> None:
    """Unloads a model, or all."""
    Server.of(home_from(home), api_key).unload(name)
    key = "fleet.unloaded_all" if name is None else "fleet.unloaded"
    typer.echo(say(key, terminal_language(), **({} if name is None else {"name": printable(name)})))
