"""`samovar alias`: other names for models. Works with and without a server: a running one sees them at once."""

from __future__ import annotations

from typing import Annotated

import typer

from samovar.cli.figures import printable
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.core.catalogue import say
from samovar.core.errors import InvalidInput
from samovar.hub.library import Library


def alias(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="fleet.argument_alias")] = None,
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="fleet.argument_alias_model")] = None,
    home: HomeOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="fleet.option_remove")] = False,
) -> None:
    """Lists, sets or removes other names."""
    place, language = home_from(home), terminal_language()
    place.make()
    library = Library(place)
    if name is None:
        lines = [f"{printable(k)} = {printable(v)}" for k, v in library.roll.entries().aliases.items()]
        typer.echo("\n".join(lines) or say("fleet.no_aliases", language))
    elif remove:
        library.roll.remove_alias(name)
        typer.echo(say("fleet.alias_gone", language, alias=printable(name)))
    elif model is None:
        raise InvalidInput("fleet.alias_needs_model", alias=name)
    else:
        found = library.add_alias(name, model)
        typer.echo(say("fleet.alias_set", language, alias=printable(name), name=printable(found.name)))
