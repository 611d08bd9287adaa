"""`samovar load`: loads a model into the running server, and returns when it is ready."""

from __future__ import annotations

from typing import Annotated

import typer

from samovar.cli.figures import printable
from samovar.cli.options import HomeOption, KeyOption, home_from, terminal_language
from samovar.cli.server import Server
from samovar.core.catalogue import say


def load(
    name: Annotated[str, typer.Argument(metavar="NAME", help="fleet.argument_load")],
    home: HomeOption = None,
    api_key: KeyOption = None,
    keep_alive: Annotated[
        float, typer.Option("--keep-alive", metavar="SECONDS", help="fleet.option_load_stay", show_default=False)
    ] = -1.0,
) -> None:
    """Loads a model."""
    Server.of(home_from(home), api_key).load(name, max(keep_alive, -1.0))
    typer.echo(say("fleet.loaded", terminal_language(), name=printable(name)))
