"""`samovar doctor`: says what the machine and the installation are like, what is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from samovar.cli.examination import Examination, examine
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.cli.port import listen
from samovar.core.catalogue import Language, say
from samovar.core.engine import Note
from samovar.core.errors import SamovarError
from samovar.core.settings import Settings

GIB = 1024**3
LITTLE_DISK = 2 * GIB
REMOVABLE = ("build.no_compiler", "build.no_space", "build.unknown_version")
"""What keeps the library from being compiled and can be helped."""


def doctor(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    language = terminal_language()
    place = home_from(home)
    found = examine(place)
    advice = [*missing(found), *_port_advice(Settings(home=place))]
    sentences = [say(note.key, language, **note.facts) for note in advice]
    if as_json:
        report = msgspec.to_builtins(found, enc_hook=str) | {"advice": sentences}
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        typer.echo("\n".join(lines(found, language)))
        typer.echo("\n" + "\n".join(sentences or [say("doctor.well", language)]))
    if not any(build.usable for build in found.builds):
        raise typer.Exit(1)


def lines(found: Examination, language: Language) -> list[str]:
    """The findings, one line each, in the order of what a person would ask first."""
    processor, home, caches = found.processor, found.home, found.caches
    notes = (
        Note("doctor.samovar", {"version": found.samovar, "python": found.python, "system": found.system}),
        Note("doctor.processor", {"name": processor.name, "cores": processor.cores}),
        Note("doctor.flags", {"flags": ", ".join(processor.flags) or "–"}),
        Note("doctor.memory", {"free": _gib(found.memory_free), "total": _gib(found.memory)}),
        *(Note("doctor.gpu", {"name": g.name, "memory": _gib(g.memory), "driver": g.driver}) for g in found.gpus),
        *(Note("doctor.build", {"name": b.name, "version": b.version}) for b in found.builds if b.usable),
        *([Note("doctor.native", {"gain": found.native.gain})] if found.native.gain else ()),
        Note("doctor.packages", {"packages": ", ".join(f"{n} {v}" for n, v in found.packages.items() if v)}),
        Note("doctor.home", {"path": home.path, "models": home.models, "free": _gib(home.free)}),
        Note("doctor.caches", {"ram": _gib(caches.ram), "disk": _gib(caches.disk), "used": _gib(caches.used)}),
    )
    return [say(note.key, language, **note.facts) for note in notes]


def missing(found: Examination) -> Iterator[Note]:
    """What stands in the way or could be better, the gravest first."""
    builds = {build.name: build for build in found.builds}
    lost = [name for name, version in found.packages.items() if version is None]
    if lost:
        yield Note("doctor.packages_missing", {"packages": ", ".join(lost)})
    if not any(build.usable for build in found.builds):
        yield Note("doctor.no_build")
    elif "mainline" not in builds:
        yield Note("doctor.no_mainline")
    if "ik" in builds and not builds["ik"].usable:
        yield Note("doctor.ik_unusable")
    if found.native.state == "available":
        yield Note("build.offer")
    if found.native.error:
        yield Note(found.native.error.key, dict(found.native.error.facts))
    if found.native.obstacle and found.native.obstacle.key in REMOVABLE:
        yield found.native.obstacle
    if found.gpus:
        yield Note("doctor.gpu_unused")
    if not found.home.writable:
        yield Note("doctor.home_not_writable", {"path": found.home.path})
    if found.home.settings_error:
        yield Note(found.home.settings_error.key, dict(found.home.settings_error.facts))
    if found.home.free < LITTLE_DISK:
        yield Note("doctor.little_disk", {"free": _gib(found.home.free)})
    if not found.home.models:
        yield Note("doctor.no_models")
    if not found.page_built:
        yield Note("doctor.no_page")


def _port_advice(settings: Settings) -> Iterator[Note]:
    try:
        listener = listen(settings.host, settings.port)
    except SamovarError as error:
        yield Note(error.key, dict(error.facts))
    else:
        listener.close()


def _gib(size: int) -> float:
    return round(size / GIB, 1)
