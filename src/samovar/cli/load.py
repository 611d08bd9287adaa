"""`samovar load`: loads a model into the running server, with a progress bar, and returns when it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn

from samovar.cli.figures import printable
from samovar.cli.options import HomeOption, KeyOption, home_from, terminal_language
from samovar.cli.server import Loaded, Report, Server
from samovar.core.catalogue import say
from samovar.hub.roll import Roll


def load(
    name: Annotated[str, typer.Argument(metavar="NAME", help="fleet.argument_load")],
    home: HomeOption = None,
    api_key: KeyOption = None,
    keep_alive: Annotated[
        float, typer.Option("--keep-alive", metavar="SECONDS", help="fleet.option_load_stay", show_default=False)
    ] = -1.0,
) -> None:
    """Loads a model."""
    place = home_from(home)
    server = Server.of(place, api_key)
    with _progress_bar({name, Roll(place.roll).meant(name)}) as report:
        server.load(name, max(keep_alive, -1.0), report)
    typer.echo(say("fleet.loaded", terminal_language(), name=printable(name)))


@contextmanager
def _progress_bar(names: set[str]) -> Iterator[Report]:
    """What shows how far the load of a model is that goes by one of `names`, on standard error, where that is a
    terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def report(loaded: list[Loaded]) -> None:
            for model in loaded:
                if model.name in names and model.state == "loading":
                    bar.update(task, completed=model.progress)

        yield report
