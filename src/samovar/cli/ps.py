"""`samovar ps`: the models that the running server has loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from samovar.cli.figures import printable, size_text, table_console
from samovar.cli.ls import unmarked
from samovar.cli.options import HomeOption, KeyOption, home_from, terminal_language
from samovar.cli.server import Loaded, Server
from samovar.core.catalogue import Language, say


def ps(
    home: HomeOption = None,
    api_key: KeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    """Lists what is loaded."""
    language = terminal_language()
    loaded = Server.of(home_from(home), api_key).loaded()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(loaded)))
    elif loaded:
        table_console().print(_table(loaded, language))
    else:
        typer.echo(say("fleet.nothing_loaded", language))


def _table(loaded: Sequence[Loaded], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("library.name", language), overflow="fold")
    for heading in ("state", "memory", "window", "until"):
        table.add_column(say(f"fleet.column_{heading}", language), no_wrap=True)
    for model in loaded:
        state = say(f"fleet.state_{model.state}", language, percent=round(model.progress * 100))
        cells = (
            printable(model.name),
            state,
            "" if model.memory is None else size_text(model.memory, language),
            "" if model.window is None else str(model.window),
            "" if model.expires is None else time.strftime("%H:%M:%S", time.localtime(model.expires)),
        )
        table.add_row(*map(unmarked, cells))
    return table
