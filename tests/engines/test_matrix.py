"""The matrix: type × row width × batch size × sequences × flash attention × interleaved rows, all builds, against
NumPy.

Every model is random, its matrices rounded to one type; the reference is computed from the rounded values
in NumPy. Right results differ from it by the rounding of activations to 8 bits: at most 0.012 nat (IQ4_XS on `ik`),
0.001 for most types. Wrong ones differ by 0.2 nat and more. What is wrong must be what `faults` says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from samovar.core.engine import Build
from samovar.engines.llama.builds import installed
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.faults import first_wrong_batch
from samovar.engines.llama.repacking import gains_by_repacking
from samovar.engines.llama.selfcheck import TOLERANCE
from tests.engines.matrix_case import BATCHES, NATIVE
from tests.engines.matrix_models import cases

ROOT = Path(__file__).parents[2]
WAYS: tuple[tuple[Build, int, str, str], ...] = (
    ("ik", 1, "plain", "own"),
    ("ik", 1, "flash", "own"),
    ("ik", 4, "plain", "own"),
    ("ik", 1, "flash", "repacked"),
    ("ik", 4, "plain", "repacked"),
    ("ik-native", 1, "plain", "own"),
    ("ik-native", 1, "flash", "own"),
    ("ik-native", 4, "plain", "own"),
    ("mainline", 1, "plain", "own"),
    ("mainline", 1, "flash", "own"),
    ("mainline", 4, "plain", "own"),
    ("mainline", 4, "flash", "own"),
)
USABLE = {found.build for found in installed(NATIVE) if found.build == "mainline" or read_cpu().runs_ik}

pytestmark = [pytest.mark.matrix, pytest.mark.skipif(not USABLE, reason="no build of libllama is installed")]


def needs(build: str) -> None:
    if build not in USABLE:
        pytest.skip(f"the {build} build of libllama is not installed (SAMOVAR_NATIVE: folder of a compiled one)")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("matrix")
    child = run("tests.engines.matrix_models", str(folder))
    assert child.returncode == 0, child.stderr
    return [folder / f"{type}-{width}.gguf" for type, width in cases()]


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A child with one thread for NumPy: two of them wait for each other on a busy machine."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def divergences(
    build: str, parallel: int, flash: str, rows: str, models: Sequence[Path]
) -> dict[tuple[str, int], float]:
    """Divergence by model name and batch size; infinite for all batches where the process died at the model."""
    found: dict[tuple[str, int], float] = {}
    while models:
        child = run("tests.engines.matrix_case", build, str(parallel), flash, rows, *map(str, models))
        lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith("{")]
        found |= {(line["model"], line["batch"]): line["divergence"] for line in lines}
        if child.returncode == 0:
            return found
        died = next(model for model in models if (model.stem, BATCHES[-1]) not in found)
        found |= {(died.stem, batch): float("inf") for batch in BATCHES}
        models = models[models.index(died) + 1 :]
    return found


@pytest.mark.parametrize(("build", "parallel", "flash", "rows"), WAYS)
def test_what_is_computed_wrongly_is_what_the_table_says(
    models: list[Path], build: Build, parallel: int, flash: str, rows: str
) -> None:
    needs(build)
    if rows == "repacked":
        models = [model for model in models if gains_by_repacking({model.stem.partition("-")[0]})]
    found = divergences(build, parallel, flash, rows, models)
    assert len(found) == len(models) * len(BATCHES)
    wrong = {case: round(divergence, 4) for case, divergence in found.items() if not divergence <= TOLERANCE}
    assert wrong.keys() == {case for case in found if known_wrong(build, *case)}, wrong


def known_wrong(build: Build, model: str, batch: int) -> bool:
    type, _, width = model.rpartition("-")
    first = first_wrong_batch(build, type, int(width))
    return first is not None and batch >= first


def test_ik_with_flash_attention_still_dies_of_a_second_sequence(models: list[Path]) -> None:
    """Why the ladder has no such rung. When this fails, it may have one."""
    needs("ik")
    model = next(path for path in models if path.stem == "F16-1024")
    child = run("tests.engines.matrix_case", "ik", "4", "flash", "own", str(model))
    assert child.returncode < 0 and "GGML_ASSERT" in child.stderr
