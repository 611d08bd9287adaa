"""What is compiled, and how: the pinned source, the options, and what must be there. Starts nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psutil

from samovar.core.engine import Note
from samovar.engines.llama.builds import PACKAGES, installed
from samovar.engines.llama.cpu import read_cpu

SOURCES: Mapping[str, str] = MappingProxyType(
    {"0.1.5": "33c67eb99e4dcab5e611050433243815709b8b3067753f9ce18375013cf002ad"}
)
"""SHA-256 of the source distribution of each version that may be compiled."""
INSIDE = "vendor/ik_llama.cpp"
"""Where the library's tree lies in the source distribution."""

TARGET = "llama"
OPTIONS: tuple[str, ...] = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=ON",
    "-DGGML_CCACHE=OFF",
    "-DBUILD_SHARED_LIBS=ON",
    *(f"-DLLAMA_BUILD_{part}=OFF" for part in ("TESTS", "EXAMPLES", "SERVER")),
    # The two libraries find each other wherever their folder is, before any other of the same name.
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    *(
        ("-DCMAKE_INSTALL_RPATH=@loader_path",)
        if sys.platform == "darwin"
        else ("-DCMAKE_INSTALL_RPATH=$ORIGIN", "-DCMAKE_SHARED_LINKER_FLAGS=-Wl,--disable-new-dtags")
    ),
)
"""Common code is configured but not built; only the target is."""

DISK_BYTES = 700 * 1024**2
"""Tools, source, objects and specimens take 520 MiB while it is compiled; 32 MiB stay."""

COMPILER_BYTES = 3 * 1024**3 // 2
"""What one compiler may take: the largest file needs 1.2 GiB."""


def requirement(version: str) -> str:
    """A line of a requirements file that only the known source distribution satisfies."""
    return f"{PACKAGES['ik'][1]}=={version} --hash=sha256:{SOURCES[version]}\n"


def source_version() -> str | None:
    """The installed version of `ik`."""
    return next((found.version for found in installed() if found.build == "ik"), None)


def compiler() -> str | None:
    """The C++ compiler that CMake will find. macOS has stand-ins that ask to install the real one."""
    if (
        sys.platform == "darwin"
        and subprocess.run(["xcode-select", "-p"], capture_output=True, check=False).returncode
    ):
        return None
    return next(
        filter(None, map(shutil.which, filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")))), None
    )


def compilers_at_once() -> int:
    """One for each core, as far as they fit into the free memory."""
    free = int(psutil.virtual_memory().available)
    return max(1, min(read_cpu().cores, free // COMPILER_BYTES))


def obstacle(builds: Path) -> Note | None:
    """What keeps this machine from compiling, in the order of what a person can least do about; None: it can."""
    version = source_version()
    if version is None:
        return Note("build.no_ik")
    if sys.platform == "win32":
        return Note("build.windows")
    if not read_cpu().runs_ik:
        return Note("build.no_avx2")
    if version not in SOURCES:
        return Note("build.unknown_version", {"version": version, "known": ", ".join(SOURCES)})
    if compiler() is None:
        return Note("build.no_compiler")
    free = shutil.disk_usage(next(folder for folder in (builds, *builds.parents) if folder.is_dir())).free
    if free < DISK_BYTES:
        return Note("build.no_space", {"free": free >> 20, "needed": DISK_BYTES >> 20, "folder": str(builds)})
    return None
