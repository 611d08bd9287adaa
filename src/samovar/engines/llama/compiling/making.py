"""From nothing to two libraries: the tools, the source, the compiler. Everything happens in one folder that the
caller removes afterwards."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samovar.core.errors import DownloadFailed, EngineFailed, SamovarError
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.llama.compiling.commands import Commands
from samovar.engines.llama.compiling.recipe import INSIDE, OPTIONS, TARGET, compilers_at_once, requirement
from samovar.engines.llama.compiling.repairs import repair
from samovar.engines.llama.compiling.reports import Working, working
from samovar.engines.llama.native import HEADER, LIBRARIES

LOCK = Path(__file__).with_name("tools.txt")
"""CMake, Ninja and what pip needs to look into the source distribution: exact versions with hashes."""
_PROGRESS = re.compile(r"^\[(\d+)/(\d+)\]")


@dataclass(frozen=True)
class Making:
    """One attempt at version `source`, in the empty folder `place`."""

    place: Path
    source: str
    say: Callable[[Working], None]

    def make(self) -> Path:
        """The folder with the libraries and their header. Raises DownloadFailed, EngineFailed."""
        self.say(working("tools"))
        self._pip("install", "--target", self._tools, "--only-binary", ":all:", "--require-hashes", "-r", LOCK)
        self.say(working("source"))
        tree = self._get_source()
        repair(tree)
        self.say(working("compile"))
        self._compile(tree)
        return self._collect(tree)

    @property
    def _tools(self) -> Path:
        return self.place / "tools"

    @property
    def _objects(self) -> Path:
        return self.place / "objects"

    @property
    def _commands(self) -> Commands:
        ours = {
            "PYTHONPATH": str(self._tools),
            "PATH": os.pathsep.join((str(self._tools / "bin"), os.environ.get("PATH", ""))),
            "NINJA_STATUS": "[%f/%t] ",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
        }
        return Commands(os.environ | ours, self.place)

    def _pip(self, *arguments: str | Path) -> None:
        self._commands.python("pip", *arguments, error=_not_fetched)

    def _get_source(self) -> Path:
        """The library's tree, out of the source distribution of exactly that version."""
        wanted = self.place / "source.txt"
        wanted.write_text(requirement(self.source), encoding="utf-8")
        only_source = ("--no-deps", "--no-build-isolation", "--no-binary", PACKAGES["ik"][1])
        fetched = self.place / "fetched"
        self._pip("download", *only_source, "--require-hashes", "-r", wanted, "--dest", fetched)
        (archive,) = fetched.iterdir()
        with tarfile.open(archive) as packed:
            root = packed.getnames()[0].partition("/")[0]
            inside = f"{root}/{INSIDE}/"
            packed.extraction_filter = getattr(tarfile, "data_filter", None)
            packed.extractall(self.place / "source", [one for one in packed if one.name.startswith(inside)])
        archive.unlink()
        return self.place / "source" / root / INSIDE

    def _compile(self, tree: Path) -> None:
        run = self._commands.python
        run("cmake", "-S", tree, "-B", self._objects, "-G", "Ninja", *OPTIONS, error=_not_compiled)
        build = ("--build", self._objects, "--target", TARGET, "--parallel", str(compilers_at_once()))
        run("cmake", *build, error=_not_compiled, told=self._compiled)

    def _compiled(self, line: str) -> None:
        progress = _PROGRESS.match(line)
        if progress:
            self.say(working("compile", int(progress[1]) / int(progress[2])))

    def _collect(self, tree: Path) -> Path:
        result = self.place / "result"
        result.mkdir()
        for name in LIBRARIES:
            made = next(self._objects.rglob(name), None)
            if made is None:
                raise EngineFailed("build.compile_failed", reason=name)
            shutil.copy(made, result / name)
        shutil.copy(tree / "include" / HEADER, result / HEADER)
        return result


def _not_fetched(reason: str) -> SamovarError:
    return DownloadFailed("build.fetch_failed", reason=reason)


def _not_compiled(reason: str) -> SamovarError:
    return EngineFailed("build.compile_failed", reason=reason)
