"""`samovar serve`: the page and the APIs on one port. Owns the life of the front process, from its socket to its
signals; what is served is put together here from `services` and `api`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from typing import Annotated

import msgspec
import typer
import uvicorn

from samovar.api.app import App, Services, create_app
from samovar.api.security import DoorRules
from samovar.cli.context import ContextOptions
from samovar.cli.options import (
    ContextOption,
    DraftOption,
    HomeOption,
    LibraryOption,
    ModelOption,
    ParallelOption,
    SpeculateOption,
    ThreadsOption,
    home_from,
)
from samovar.cli.port import listen, url_of
from samovar.cli.terminal import Terminal
from samovar.core.errors import SamovarError
from samovar.core.home import Home
from samovar.core.rope import ContextWish
from samovar.core.settings import Said, Settings, read_settings
from samovar.services.contracts import BuildState, Models
from samovar.services.house import House, open_house

CLOSING_SECONDS = 1
LOG_BYTES = 4 * 1024 * 1024


@ContextOptions
def serve(
    host: Annotated[
        str | None, typer.Option("--host", envvar="SAMOVAR_HOST", metavar="ADDRESS", help="cli.option_host")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", envvar="SAMOVAR_PORT", min=0, max=65535, metavar="N", help="cli.option_port"),
    ] = None,
    model: ModelOption = None,
    home: HomeOption = None,
    ctx: ContextOption = None,
    parallel: ParallelOption = None,
    threads: ThreadsOption = None,
    library: LibraryOption = None,
    speculate: SpeculateOption = None,
    draft: DraftOption = None,
    kv_ram: Annotated[
        str | None,
        typer.Option("--kv-ram", envvar="SAMOVAR_KV_RAM", metavar="SIZE", help="cli.option_kv_ram"),
    ] = None,
    kv_disk: Annotated[
        str | None,
        typer.Option("--kv-disk", envvar="SAMOVAR_KV_DISK", metavar="SIZE", help="cli.option_kv_disk"),
    ] = None,
    reuse_shifted: Annotated[
        bool | None,
        typer.Option(
            "--reuse-shifted/--no-reuse-shifted",
            envvar="SAMOVAR_REUSE_SHIFTED",
            help="cli.option_reuse_shifted",
        ),
    ] = None,
    models_max: Annotated[
        int | None,
        typer.Option("--models-max", envvar="SAMOVAR_MODELS_MAX", min=1, metavar="N", help="fleet.option_most"),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option("--memory", envvar="SAMOVAR_MEMORY", metavar="SIZE", help="fleet.option_memory"),
    ] = None,
    keep_alive: Annotated[
        float | None,
        typer.Option("--keep-alive", envvar="SAMOVAR_KEEP_ALIVE", metavar="SECONDS", help="fleet.option_stay"),
    ] = None,
    pull_hosts: Annotated[
        str | None,
        typer.Option("--pull-hosts", envvar="SAMOVAR_PULL_HOSTS", metavar="HOST,…", help="fleet.option_hosts"),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option("--api-key", envvar="SAMOVAR_API_KEY", metavar="KEY", help="cli.option_api_key"),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin", envvar="SAMOVAR_ALLOW_ORIGIN", metavar="ORIGIN", help="door.option_allow_origin"
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", envvar="SAMOVAR_ALLOW_HOST", metavar="NAME", help="door.option_allow_host"),
    ] = None,
    no_browser: Annotated[
        bool | None,
        typer.Option("--no-browser", envvar="SAMOVAR_NO_BROWSER", help="cli.option_no_browser"),
    ] = None,
    *,
    context: ContextWish,
) -> None:
    said = Said(
        host=host,
        port=port,
        model=model,
        ctx=ctx,
        parallel=parallel,
        threads=threads,
        library=library,
        speculate=speculate,
        draft=draft,
        kv_ram=kv_ram,
        kv_disk=kv_disk,
        reuse_shifted=reuse_shifted,
        models_max=models_max,
        memory=memory,
        keep_alive=keep_alive,
        pull_hosts=None if pull_hosts is None else tuple(filter(None, map(str.strip, pull_hosts.split(",")))),
        api_key=api_key,
        allow_origin=tuple(allow_origin) if allow_origin else None,
        allow_host=tuple(allow_host) if allow_host else None,
        no_browser=no_browser,
        **msgspec.structs.asdict(context),
    )
    settings = read_settings(home_from(home), said)
    rules = DoorRules.said(settings.allow_host, settings.allow_origin, any_address=settings.exposed)
    with listen(settings.host, settings.port) as listener:
        _run(_serve(settings, rules, listener))


def _run(main: Coroutine[object, object, None]) -> None:
    """Runs `main` on the fastest loop that this system has."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


async def _serve(settings: Settings, rules: DoorRules, listener: socket.socket) -> None:
    settings = replace(settings, port=listener.getsockname()[1])
    url = url_of(settings.host, settings.port)
    terminal = Terminal()
    async with open_house(settings) as house:
        _log_to(settings.home)
        front = Front(
            _app(house, rules),
            started=lambda: _welcome(terminal, url, settings, house.build.state),
            ending=house.chats.end_watches,
        )
        beside = [
            asyncio.create_task(job) for job in (_load(house.models, terminal), _follow(house.models, terminal))
        ]
        try:
            await front.serve(sockets=[listener])
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        terminal.say("cli.closing")


def _app(house: House, rules: DoorRules) -> App:
    services = Services(
        answers=house.answers,
        models=house.models,
        library=house.library,
        slots=house.slots,
        gauges=house.gauges,
        chats=house.chats,
        presets=house.presets,
        characters=house.characters,
        build=house.build,
        keys=house.keys,
        responses=house.responses,
        rules=rules,
    )
    return create_app(services)


class Front(uvicorn.Server):
    """uvicorn that calls `started` once it accepts requests and `ending` before it waits for those that are open,
    and leaves what follows a signal to its caller."""

    def __init__(self, app: App, started: Callable[[], Awaitable[None]], ending: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self._when_started = started
        self._when_ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._when_ending()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but the signal is not raised again afterwards: the house is still to be closed."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _welcome(terminal: Terminal, url: str, settings: Settings, build: BuildState) -> None:
    terminal.say("cli.serving", style="bold", url=url)
    terminal.say("cli.how_to_stop", style="dim")
    if build.state == "available":
        terminal.say("build.offer", style="dim")
    if not settings.no_browser and _has_screen():
        # A browser's launcher may take its time, and the server has requests to answer.
        await asyncio.to_thread(webbrowser.open, url)


def _has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


async def _load(models: Models, terminal: Terminal) -> None:
    """Loads the model that is to be served, so that the first answer need not wait for it."""
    try:
        await models.load()
    except SamovarError as error:
        if models.state.error is None:
            terminal.error(error.value())


async def _follow(models: Models, terminal: Terminal) -> None:
    """Says what becomes of the model."""
    last = None
    async for state in models.watch():
        if state.name and (state.name, state.state) != last:
            last = state.name, state.state
            terminal.say(f"cli.model_{state.state}", name=state.name)
            terminal.notes(state.notes)
        if state.error and state.state == "failed":
            terminal.error(state.error)


def _log_to(home: Home) -> None:
    """The front's log: what goes wrong inside requests is written there, not on the terminal."""
    handler = RotatingFileHandler(home.logs / "front.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)
