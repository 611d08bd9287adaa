"""`samovar bench`: how fast a model is on this machine, and how it is computed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

import msgspec
import psutil
import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from samovar.cli.figures import printable, size_text, table_console
from samovar.cli.options import (
    ContextOption,
    HomeOption,
    LibraryOption,
    ParallelOption,
    ThreadsOption,
    home_from,
    terminal_language,
)
from samovar.core.catalogue import Language, say
from samovar.core.settings import Said, Settings, read_settings
from samovar.engines.llama.builds import find_native, installed
from samovar.engines.llama.cpu import physical_cores, processor_name
from samovar.services.bench import BenchReport, FirstToken, Stage
from samovar.services.bench import bench as measure


class Machine(msgspec.Struct, frozen=True):
    """`memory` in bytes."""

    processor: str
    cores: int
    threads: int
    memory: int


def bench(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|PATH", show_default=False, help="bench.argument_name")
    ] = None,
    home: HomeOption = None,
    ctx: ContextOption = None,
    parallel: ParallelOption = None,
    threads: ThreadsOption = None,
    library: LibraryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    language = terminal_language()
    # Guesses would be as good as the random text that is read here, and the speed with them.
    said = Said(model=name, ctx=ctx, parallel=parallel, threads=threads, library=library, speculate="off")
    settings = read_settings(home_from(home), said)
    report = _measured(settings, language)
    machine = Machine(processor_name(), physical_cores(), psutil.cpu_count() or 1, psutil.virtual_memory().total)
    version = _version(settings, report.info.setting.build) if report.info.setting else ""
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_plain(machine, version, report))).decode())
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, text in _facts(machine, version, report, language):
        table.add_row(Text(key, style="bold"), Text(printable(text), overflow="fold"))
    table_console().print(table)


def _measured(settings: Settings, language: Language) -> BenchReport:
    """Says on standard error what is being measured."""
    with Console(stderr=True).status("") as status:
        return asyncio.run(measure(settings, _showing(status, language)))


def _showing(status: Status, language: Language) -> Stage:
    return lambda key: status.update(say(key, language))


def _plain(machine: Machine, version: str, report: BenchReport) -> dict[str, object]:
    """For a script: speeds in tokens a second, times in seconds, sizes in bytes."""
    info = report.info
    return {
        "hardware": machine,
        "model": report.model,
        "setting": info.setting,
        "version": version,
        "threads": info.threads,
        "prompt_threads": info.prompt_threads or info.threads,
        "prompt_tokens": report.prompt_tokens,
        "prompt": report.prompt,
        "decode": report.decode,
        "memory": report.memory,
        "first_token": {stage: getattr(report, stage) for stage in _STAGES},
    }


_STAGES = ("cold", "cached", "switched", "restarted")


def _facts(machine: Machine, version: str, report: BenchReport, language: Language) -> Iterator[tuple[str, str]]:
    """The lines of the table: what, and how much."""

    def line(key: str, **facts: str | int | float) -> tuple[str, str]:
        return say(f"bench.{key}", language), say(f"bench.{key}_text", language, **facts)

    def rate(key: str, speed: float) -> tuple[str, str]:
        return say(f"bench.{key}", language), say("bench.rate_text", language, rate=_figure(speed))

    info, memory = report.info, report.memory
    yield say("bench.model", language), f"{report.model} ({info.description})"
    yield line("processor", name=machine.processor, cores=machine.cores, threads=machine.threads)
    if info.setting:
        yield line(
            "build",
            build=info.setting.build,
            version=version,
            rows=say("bench.repacked" if info.setting.repacked else "bench.own_rows", language),
            micro_batch=info.setting.micro_batch,
            flash=say("bench.on" if info.setting.flash else "bench.off", language),
        )
    yield line("threads", draw=info.threads, read=info.prompt_threads or info.threads)
    yield rate("prompt", report.prompt)
    yield rate("decode", report.decode)
    if memory:
        share, bandwidth = round(100 * memory.share), _figure(memory.bandwidth / 1e9)
        yield line("memory", share=share, bandwidth=bandwidth, read=size_text(memory.per_token, language))
    yield say("bench.first", language), ""
    for stage in _STAGES:
        what = say(f"bench.{stage}", language, **({"count": report.prompt_tokens} if stage == "cold" else {}))
        yield f"  {what}", _wait(getattr(report, stage), report.prompt_tokens, language)


def _wait(first: FirstToken, count: int, language: Language) -> str:
    facts: dict[str, str | int] = {"cached": first.cached, "count": count}
    if first.load:
        found = say("bench.found_after_load", language, load=_time(first.load, language), **facts)
    else:
        found = say("bench.found", language, **facts)
    return f"{_time(first.seconds, language)} ({found})"


def _time(seconds: float, language: Language) -> str:
    if seconds < 1:
        return say("bench.milliseconds", language, milliseconds=round(1000 * seconds))
    return say("bench.seconds", language, seconds=_figure(seconds))


def _figure(value: float) -> str:
    """Three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _version(settings: Settings, build: str) -> str:
    native = find_native(settings.home.builds)
    return next((found.version for found in installed(native.folder if native else "") if found.build == build), "")
