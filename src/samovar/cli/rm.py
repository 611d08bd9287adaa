"""`samovar rm`: removes models from the library, after asking."""

from __future__ import annotations

from typing import Annotated

import typer

from samovar.cli.figures import printable, size_text
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.core.catalogue import say
from samovar.hub.library import Library


def rm(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="library.argument_names")],
    home: HomeOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="library.option_yes")] = False,
) -> None:
    """Removes models."""
    language = terminal_language()
    library = Library(home_from(home))
    for model in [library.find(name) for name in names]:
        facts = {"name": printable(model.name), "size": size_text(model.size, language)}
        if yes or typer.confirm(say("library.remove", language, **facts)):
            library.remove(model.name)
            typer.echo(say("library.removed", language, **facts))
