"""Which builds of libllama are at hand. Looks, and imports none of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from samovar.core.engine import Build
from samovar.core.errors import Missing
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.native import Native, place, read_native

PACKAGES: Mapping[Build, tuple[str, str]] = MappingProxyType(
    {"ik": ("ik_llama_cpp", "ik-llama-cpp-python"), "mainline": ("llama_cpp", "llama-cpp-python")}
)
"""Importable module and distribution of each build that is installed as a package."""


class InstalledBuild(msgspec.Struct, frozen=True):
    build: Build
    version: str


def installed(native: str = "") -> tuple[InstalledBuild, ...]:
    """The builds that this Python can load, the faster on a CPU first. `native`: the folder of the compiled one."""
    packaged = tuple(
        InstalledBuild(build, importlib.metadata.version(distribution))
        for build, (module, distribution) in PACKAGES.items()
        if importlib.util.find_spec(module)
    )
    compiled = read_native(Path(native)) if native else None
    return (InstalledBuild("ik-native", compiled.version), *packaged) if compiled else packaged


def find_native(builds: Path) -> Native | None:
    """The library in the folder `builds` that was compiled from the installed version for this processor."""
    source = next((found.version for found in installed() if found.build == "ik"), None)
    return read_native(place(builds, source, read_cpu())) if source else None


def version_of(build: str) -> str:
    """The installed version of `build`. Raises Missing where it is not installed."""
    for found in installed():
        if found.build == build:
            return found.version
    raise Missing("engines.build_missing", build=build, installed=names(installed()))


def names(found: tuple[InstalledBuild, ...]) -> str:
    return ", ".join(f"{entry.build} {entry.version}" for entry in found) or "–"
