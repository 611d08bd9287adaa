"""Laws about the files themselves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = {".py", ".ts", ".svelte", ".sh", ".css"}
TEXT = CODE | {".md", ".toml", ".txt", ".in", ".json", ".js", ".html", ".yml", ".bat", ".command", ".npmrc", ""}
LONGEST = 400

# Written in pieces, so that this file does not name them itself.
HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "npmmirror" + ".com",
    "deb.debian" + ".org",
)
MACHINE_PATH = re.compile(r"(?<![\w.\-/>)}])/(?:root|work|opt/[a-z]+|home/[a-z]+)/")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_no_source_file_is_longer_than_400_lines() -> None:
    long = {str(path): len(lines_of(path)) for path in tracked() if path.suffix in CODE}
    assert {path: length for path, length in long.items() if length > LONGEST} == {}


def test_no_file_names_a_package_registry_or_a_place_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if path.suffix in TEXT
        for number, line in enumerate(lines_of(path), 1)
        if any(host in line for host in HOSTS) or MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_readme_is_short(name: str) -> None:
    assert len(lines_of(ROOT / name)) <= 150


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_locked_package_has_a_version_and_hashes(lock: Path) -> None:
    packages = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", lock.read_text(encoding="utf-8")))
    assert packages
    for package in packages:
        assert re.match(r"[\w.\-]+==[\w.]+", package), package[:80]
        assert "--hash=sha256:" in package, package[:80]


def test_the_lock_for_serving_has_everything_that_the_project_names() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = project.partition("dependencies = [")[2].partition("\n]")[0]
    wanted = {line.strip()[1:] for line in named.splitlines() if line.strip()}
    locked = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8")
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in wanted}
    assert names
    assert {name for name in names if not re.search(rf"(?m)^{re.escape(name)}==", locked)} == set()
