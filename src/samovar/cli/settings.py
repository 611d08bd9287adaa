"""`samovar settings`: what a model has of its own. Works with and without a server: a running one takes the preset
at once, the rest with the model's next load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, get_args

import msgspec
import typer
from msgspec.structs import asdict, replace
from rich.table import Table
from rich.text import Text

from samovar.cli.figures import printable, table_console
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.core.catalogue import Language, say
from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.core.library import Own
from samovar.core.rope import Context
from samovar.core.settings import Library as LibraryName
from samovar.core.settings import Said, read_settings
from samovar.hub.library import Library
from samovar.prompts import named
from samovar.services.contexts import Contexts
from samovar.services.own import checked
from samovar.services.presets import PresetService
from samovar.store.database import Database
from samovar.store.records import Records

LONGEST_SHOWN = 80
"""Characters of a wrong value that its refusal repeats."""


def settings(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="own.argument_model")],
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="own.argument_changes")
    ] = None,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    """Shows and changes what one model has of its own."""
    place, language = home_from(home), terminal_language()
    place.make()
    library = Library(place)
    name = library.find(model).name
    own = library.roll.own(name)
    if changes:
        own = asyncio.run(checked(revised(own, changes), PresetService(place.presets)))
        library.roll.set_own(name, own)
    context = asyncio.run(_context(place, name))
    if as_json:
        plain = {"name": name, **asdict(own), "context": context}
        typer.echo(msgspec.json.format(msgspec.json.encode(plain)))
        return
    table_console().print(_table(name, own, context, language))
    if changes:
        typer.echo(say("own.from_next_load", language))


def revised(own: Own, changes: Iterable[str]) -> Own:
    """`own` with what each `name=value` says; nothing behind the sign takes it back. Raises InvalidInput for a name
    that there is not and a value that it does not take."""
    said: dict[str, int | str | None] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        read = READERS.get(name)
        if read is None:
            raise InvalidInput("own.unknown", name=name[:LONGEST_SHOWN], known=", ".join(READERS))
        if not sign:
            raise InvalidInput("own.no_value", name=name)
        said[name] = (read(value) or None) if value else None
    return replace(own, **said)


def _threads(value: str) -> int:
    if not (value.isdecimal() and len(value) <= 4 and int(value) > 0):
        raise InvalidInput("own.threads", value=value[:LONGEST_SHOWN])
    return int(value)


def _library(value: str) -> str:
    known = get_args(LibraryName)
    if value not in known:
        raise InvalidInput("own.library", value=value[:LONGEST_SHOWN], known=", ".join(known))
    return value


def _template(value: str) -> str:
    """The text in the file, else the template of that name that comes along."""
    path = Path(value).expanduser()
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("own.template_unreadable", path=value[:LONGEST_SHOWN], reason=str(error)) from error
    if value.casefold() not in map(str.casefold, named.names()):
        raise InvalidInput("own.no_template", value=value[:LONGEST_SHOWN], known=", ".join(named.names()))
    return named.source(value)


READERS: Mapping[str, Callable[[str], int | str]] = MappingProxyType(
    {"threads": _threads, "library": _library, "template": _template, "preset": str}
)
"""From the text behind the sign to what is kept."""


async def _context(home: Home, model: str) -> Context | None:
    """The one that the page keeps for the model."""
    database = await asyncio.to_thread(Database.open, home.database)
    try:
        usual = read_settings(home, Said()).context
        return await Contexts(usual, Records(database, "contexts")).chosen(model)
    finally:
        await database.close()


def _table(name: str, own: Own, context: Context | None, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, title=printable(name), title_justify="left", title_style="bold")
    table.show_header = False
    for field, value in {**asdict(own), "context": context}.items():
        table.add_row(Text(field, style="bold"), Text(_shown(value, language), overflow="fold"))
    return table


def _shown(value: int | str | Context | None, language: Language) -> str:
    match value:
        case None:
            return say("own.unsaid", language)
        case Context():
            return ", ".join(_parts(value))
        case str() if "\n" in value or len(value) > LONGEST_SHOWN:
            return say(
                "own.text", language, count=len(value), begin=printable(value.strip()[:40].partition("\n")[0])
            )
        case _:
            return printable(str(value))


def _parts(context: Context) -> Iterable[str]:
    """As the options of `samovar serve` would say it."""
    if context.ctx is not None:
        yield f"ctx {context.ctx}"
    for wish, number in asdict(context.rope).items():
        if number is not None:
            yield f"{wish} {number}"
    if context.cache is not None:
        yield f"cache_type_k {context.cache.keys}"
        yield f"cache_type_v {context.cache.values}"
