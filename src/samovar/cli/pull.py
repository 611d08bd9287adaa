"""`samovar pull`: gets a model, with a progress bar; Ctrl-C keeps what has come."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from samovar.cli.figures import printable, size_text
from samovar.cli.options import INTERRUPTED, HomeOption, home_from, terminal_language
from samovar.core.catalogue import Language, say
from samovar.hub.library import Library
from samovar.hub.pull import Pulling, Report
from samovar.hub.pull import pull as fetch
from samovar.hub.sources import Endpoint


def pull(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="library.argument_source")],
    home: HomeOption = None,
) -> None:
    """Gets a model: from Hugging Face, an https address or a file."""
    place, language = home_from(home), terminal_language()
    try:
        with _progress_bar(language) as report:
            pulled = fetch(source, place, report, Endpoint.of(os.environ))
    except KeyboardInterrupt:
        typer.echo(say("library.pull_stopped", language), err=True)
        raise typer.Exit(INTERRUPTED) from None
    model = Library(place).locate(str(pulled.path))
    key = "library.pulled" if pulled.fresh else "library.here_already"
    typer.echo(say(key, language, name=printable(model.name), size=size_text(model.size, language)))


@contextmanager
def _progress_bar(language: Language) -> Iterator[Report]:
    """What shows progress on standard error, where that is a terminal: how much, how fast, how much longer."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.fields[amount]}"), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, amount="", pace="")

        def report(pulling: Pulling) -> bool:
            amount, pace = _amount(pulling, language), _pace(pulling, language)
            bar.update(task, completed=pulling.done, total=pulling.total, amount=amount, pace=pace)
            return True

        yield report


def _amount(pulling: Pulling, language: Language) -> str:
    done = size_text(pulling.done, language)
    return done if pulling.total is None else f"{done} / {size_text(pulling.total, language)}"


def _pace(pulling: Pulling, language: Language) -> str:
    """The rate and, where it can be known, the time left."""
    if pulling.rate <= 0:
        return ""
    rate = say("library.rate", language, size=size_text(pulling.rate, language))
    if pulling.total is None:
        return rate
    seconds = (pulling.total - pulling.done) / pulling.rate
    return f"{rate}  {time.strftime('%H:%M:%S', time.gmtime(min(seconds, 86_399)))}"
