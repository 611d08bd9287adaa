"""Which builds of libllama are installed. Looks, and imports none of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.core.engine import Build
from samovar.core.errors import Missing

PACKAGES: Mapping[Build, tuple[str, str]] = MappingProxyType(
    {"ik": ("ik_llama_cpp", "ik-llama-cpp-python"), "mainline": ("llama_cpp", "llama-cpp-python")}
)
"""Importable module and distribution of each build."""


class InstalledBuild(msgspec.Struct, frozen=True):
    build: Build
    version: str


def installed() -> tuple[InstalledBuild, ...]:
    """The builds that this Python can import, the faster on a CPU first."""
    return tuple(
        InstalledBuild(build, importlib.metadata.version(distribution))
        for build, (module, distribution) in PACKAGES.items()
        if importlib.util.find_spec(module)
    )


def version_of(build: str) -> str:
    """The installed version of `build`. Raises Missing where it is not installed."""
    for found in installed():
        if found.build == build:
            return found.version
    raise Missing("engines.build_missing", build=build, installed=names(installed()))


def names(found: tuple[InstalledBuild, ...]) -> str:
    return ", ".join(f"{entry.build} {entry.version}" for entry in found) or "–"
