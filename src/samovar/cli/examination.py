"""What `samovar doctor` finds out about the machine and the installation. Changes nothing, loads no model."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import psutil

from samovar import __version__
from samovar.core.errors import SamovarError
from samovar.core.home import Home
from samovar.core.settings import Said, Settings, read_settings
from samovar.engines.llama.builds import find_native, installed
from samovar.engines.llama.cpu import processor_name, read_cpu
from samovar.engines.llama.faults import source_of
from samovar.hub.available import available_memory
from samovar.hub.cache_budgets import default_disk, default_ram, disk_room
from samovar.services.building import BuildService
from samovar.services.contracts import BuildState

PAGE = Path(__file__).parent.parent / "web" / "index.html"
TOLD_FLAGS = ("avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp", "sve")
ASKING_SECONDS = 10


class Processor(msgspec.Struct, frozen=True):
    """`cores`: physical ones that this process may use. `flags`: those instruction sets it has that matter here."""

    name: str
    machine: str
    cores: int
    threads: int
    flags: tuple[str, ...]


class Gpu(msgspec.Struct, frozen=True):
    """A card as nvidia-smi tells it; `memory` in bytes."""

    name: str
    memory: int
    driver: str


class Build(msgspec.Struct, frozen=True):
    name: str
    version: str
    usable: bool


class HomeState(msgspec.Struct, frozen=True):
    """`models`: model files; `free`: bytes left on its disk; `settings_error`: what is wrong with settings.toml."""

    path: str
    exists: bool
    writable: bool
    models: int
    free: int
    settings_error: SamovarError | None


class Caches(msgspec.Struct, frozen=True):
    """Bytes that caches of conversations may take in memory and on disk, and that they take there now."""

    ram: int
    disk: int
    used: int


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes. `native`: the library compiled for this processor. `packages`: version by name, None where a
    needed one is not installed."""

    samovar: str
    system: str
    python: str
    processor: Processor
    memory: int
    memory_free: int
    gpus: tuple[Gpu, ...]
    builds: tuple[Build, ...]
    native: BuildState
    packages: dict[str, str | None]
    home: HomeState
    caches: Caches
    page_built: bool


def examine(home: Home) -> Examination:
    memory = psutil.virtual_memory()
    settings = _settings(home)
    trouble = settings if isinstance(settings, SamovarError) else None
    return Examination(
        samovar=__version__,
        system=platform.platform(),
        python=platform.python_version(),
        processor=_processor(),
        memory=memory.total,
        memory_free=memory.available,
        gpus=_gpus(),
        builds=_builds(home),
        native=BuildService(home).state,
        packages=_packages(),
        home=_home(home, trouble),
        caches=_caches(Settings(home=home) if isinstance(settings, SamovarError) else settings),
        page_built=PAGE.is_file(),
    )


def _processor() -> Processor:
    cpu = read_cpu()
    threads = psutil.cpu_count() or cpu.cores
    flags = tuple(flag for flag in TOLD_FLAGS if flag in cpu.flags)
    return Processor(processor_name(), cpu.machine, cpu.cores, threads, flags)


def _gpus() -> tuple[Gpu, ...]:
    asked = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
    if not shutil.which(asked[0]):
        return ()
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=ASKING_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(told)


def parse_gpus(told: str) -> tuple[Gpu, ...]:
    """The cards in nvidia-smi's CSV of name, memory in MiB and driver; lines of another shape are left out."""
    rows = ([cell.strip() for cell in line.rsplit(",", 2)] for line in told.splitlines())
    return tuple(
        Gpu(row[0], int(row[1]) * 1024 * 1024, row[2]) for row in rows if len(row) == 3 and row[1].isdecimal()
    )


def _builds(home: Home) -> tuple[Build, ...]:
    cpu, native = read_cpu(), find_native(home.builds)
    found = installed(native.folder if native else "")
    return tuple(Build(b.build, b.version, source_of(b.build) != "ik" or cpu.runs_ik) for b in found)


def _packages() -> dict[str, str | None]:
    """What pyproject.toml names for every system; of what it names for some, the installed."""
    found: dict[str, str | None] = {}
    for requirement in importlib.metadata.requires("samovar") or ():
        text, _, marker = requirement.partition(";")
        name = re.split(r"[^\w.-]", text.strip(), maxsplit=1)[0]
        version = _version(name)
        if "extra ==" not in marker and (version or not marker):
            found[name] = version
    return found


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _home(home: Home, trouble: SamovarError | None) -> HomeState:
    there = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    models = sum(1 for _ in home.models.rglob("*.gguf")) if home.models.is_dir() else 0
    return HomeState(
        path=str(home.root),
        exists=home.root.is_dir(),
        writable=os.access(there, os.W_OK),
        models=models,
        free=shutil.disk_usage(there).free,
        settings_error=trouble,
    )


def _settings(home: Home) -> Settings | SamovarError:
    try:
        return read_settings(home, Said())
    except SamovarError as error:
        return error


def _caches(settings: Settings) -> Caches:
    """As if a model were loaded that takes no memory."""
    ram, disk, room = settings.kv_ram, settings.kv_disk, disk_room(settings.home.kv)
    return Caches(
        ram=default_ram(available_memory()) if ram is None else ram,
        disk=default_disk(room) if disk is None else disk,
        used=room.used,
    )
