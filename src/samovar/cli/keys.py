"""`samovar keys`: makes keys, lists them, takes them back. A server that runs obeys at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

import msgspec
import typer
from rich.table import Table

from samovar.cli.figures import printable, table_console
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.core.catalogue import Language, say
from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.core.keys import Key, KeyScope
from samovar.core.settings import Said, read_settings
from samovar.services.keys import KeyService
from samovar.store.database import Database
from samovar.store.keys import KeyStore

Action = Literal["add", "ls", "rm"]
T = TypeVar("T")

COLUMNS = ("name", "key", "scope", "created", "used", "state")


def keys(
    action: Annotated[Action, typer.Argument(metavar="add|ls|rm", help="keys.argument_action")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="keys.argument_name")] = None,
    scope: Annotated[KeyScope, typer.Option("--scope", help="keys.option_scope")] = "infer",
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    """Manages keys."""
    place, language = home_from(home), terminal_language()
    if action == "ls":
        _show(_with(place, lambda service: service.listed()), language, as_json=as_json)
        return
    if name is None:
        raise InvalidInput("keys.name_needed", action=action)
    if action == "add":
        made = _with(place, lambda service: service.add(name, scope))
        # The secret alone is on standard output, so that a script can keep it.
        typer.echo(say("keys.made", language, name=made.key.name, scope=scope), err=True)
        typer.echo(made.secret)
    else:
        gone = _with(place, lambda service: service.revoke(name))
        typer.echo(say("keys.revoked", language, name=printable(gone.name)))


def _with(home: Home, work: Callable[[KeyService], Awaitable[T]]) -> T:
    """What `work` does with the home's keys."""
    home.make()
    own = read_settings(home, Said()).api_key

    async def run() -> T:
        database = await asyncio.to_thread(Database.open, home.database)
        try:
            return await work(KeyService(KeyStore(database), home.keys, own))
        finally:
            await database.close()

    return asyncio.run(run())


def _show(listed: tuple[Key, ...], language: Language, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(listed)))
    elif listed:
        table_console().print(_table(listed, language))
    else:
        typer.echo(say("keys.none", language))


def _table(listed: tuple[Key, ...], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(say(f"keys.column_{column}", language), no_wrap=column != "name")
    for key in listed:
        state = "active" if key.revoked is None else "revoked"
        cells = (
            printable(key.name).replace("[", r"\["),
            f"{key.prefix}…",
            key.scope,
            _day(key.created),
            say("keys.never", language) if key.used is None else _day(key.used),
            say(f"keys.state_{state}", language),
        )
        table.add_row(*cells, style=None if key.revoked is None else "dim")
    return table


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
