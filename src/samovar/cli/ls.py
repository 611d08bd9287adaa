"""`samovar ls`: the models of the library, damaged ones too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from samovar.cli.figures import printable, size_text, table_console
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.core.catalogue import Language, say
from samovar.core.library import InstalledModel
from samovar.hub.library import Library


def ls(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    """Lists the models that are here."""
    place, language = home_from(home), terminal_language()
    models = Library(place).models()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([_plain(m, language) for m in models])))
    elif models:
        table_console().print(_table(models, language))
        for model in models:
            if model.problem:
                typer.echo(f"{printable(model.name)}: {printable(model.problem.text(language))}")
    else:
        typer.echo(say("library.empty", language, folder=str(place.models)))


def _plain(model: InstalledModel, language: Language) -> dict[str, object]:
    """The model for a script: `problem` is a sentence or null."""
    return msgspec.structs.asdict(model) | {"problem": model.problem.text(language) if model.problem else None}


def _table(models: Sequence[InstalledModel], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("library.name", language), overflow="fold")
    table.add_column(say("library.size", language), justify="right", no_wrap=True)
    for heading in ("quant", "architecture", "date"):
        table.add_column(say(f"library.{heading}", language), no_wrap=True)
    for model in models:
        cells = (
            printable(model.name),
            size_text(model.size, language),
            model.quant,
            _kind(model, language),
            time.strftime("%Y-%m-%d", time.localtime(model.created)),
        )
        table.add_row(*map(unmarked, cells), style="red" if model.problem else None)
    return table


def _kind(model: InstalledModel, language: Language) -> str:
    architecture = printable(model.architecture)
    return architecture if model.writes else say("library.only_embeds", language, architecture=architecture)


def unmarked(text: str) -> str:
    """`text` where Rich would read square brackets as style."""
    return text.replace("[", r"\[")
