"""`samovar build`: compiles libllama for this processor, with a progress bar; Ctrl-C leaves nothing behind."""

from __future__ import annotations

import asyncio
import shutil
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from samovar.cli.options import INTERRUPTED, HomeOption, home_from, terminal_language
from samovar.core.catalogue import Language, say
from samovar.core.errors import EngineFailed, revive
from samovar.core.home import Home
from samovar.engines.llama.builds import find_native
from samovar.services.building import BuildService
from samovar.services.contracts import BuildState


def build(
    home: HomeOption = None,
    again: Annotated[bool, typer.Option("--again", help="build.option_again")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="build.option_remove")] = False,
) -> None:
    """Compiles the library, or removes what was compiled."""
    place, language = home_from(home), terminal_language()
    if remove:
        typer.echo(_remove(place, language))
        return
    service = BuildService(place)
    if service.state.state == "ready" and not again:
        typer.echo(say("build.ready_already", language, gain=service.state.gain or 1.0))
        return
    try:
        made = asyncio.run(_build(service, place, language))
    except KeyboardInterrupt:
        typer.echo(say("build.stopped", language), err=True)
        raise typer.Exit(INTERRUPTED) from None
    if made.error is not None:
        raise revive(made.error)
    typer.echo(say("build.ready", language, gain=made.gain or 1.0))


async def _build(service: BuildService, home: Home, language: Language) -> BuildState:
    """What the job ended with. Ends the job when it is left early."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    try:
        await service.start()
        typer.echo(say("build.begun", language, log=str(home.logs / "build.log")), err=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=1.0)
            async for state in service.watch():
                if state.state != "building":
                    return state
                bar.update(task, completed=state.progress, description=say(f"build.step_{state.step}", language))
    finally:
        await service.stop()
    raise EngineFailed("build.died", code=0, log=str(home.logs / "build.log"))


def _remove(home: Home, language: Language) -> str:
    native = find_native(home.builds)
    if native is None:
        return say("build.nothing_to_remove", language, folder=str(home.builds))
    shutil.rmtree(native.folder)
    return say("build.removed", language)
