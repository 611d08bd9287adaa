"""The walls between the packages, and what the front must not carry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NOT_IN_THE_FRONT = (
    "torch",
    "transformers",
    "tokenizers",
    "llama_cpp",
    "ik_llama_cpp",
    "llguidance",
    "samovar.engines.llama.binding",
)


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_imports_keep_the_contracts() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["samovar.api.app", "samovar.services.house", "samovar.cli.serve"])
def test_the_front_imports_no_engine_and_no_tokenizer(module: str) -> None:
    assert loaded_by(module).isdisjoint(NOT_IN_THE_FRONT)


@pytest.mark.parametrize("module", ["samovar.api.app", "samovar.cli.main", "samovar.cli.serve"])
def test_the_front_starts_without_arrays(module: str) -> None:
    assert "numpy" not in loaded_by(module)


def test_the_command_line_imports_a_command_only_when_it_is_asked_for() -> None:
    loaded = loaded_by("samovar.cli.main")
    assert loaded.isdisjoint({"samovar.cli.serve", "samovar.cli.run", "uvicorn", "starlette", "rich", "httpx"})
