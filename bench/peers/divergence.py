"""How far our logits are from llama.cpp's own over a real text: a ratio counts only where the text is right.

The two builds of libllama cannot live in one process, so each computes in a process of its own:

    python -m bench.peers.divergence --library auto --model FILE --text FILE --out FILE.npy
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.peers.sides import lend_builds
from samovar.core.engine import Batch
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.opening import open_llama
from samovar.services.loading import LoadPlanner

ALLOWED = 0.02
TOKENS = 500
ROWS = 50
"""Rows of a vocabulary that are compared at once."""


def divergence(model: Path, text: Path, threads: int, parallel: int | None, builds: Path | None) -> float:
    """Mean KL(mainline ‖ ours), nats, over the positions of the first 500 tokens of `text`. `builds`: as of
    `Samovar`."""
    with tempfile.TemporaryDirectory(prefix="samovar-peers-") as folder:
        ours, theirs = (Path(folder) / f"{name}.npy" for name in ("ours", "theirs"))
        for library, out in (("auto", ours), ("mainline", theirs)):
            command = [sys.executable, "-m", "bench.peers.divergence", "--library", library, "--out", str(out)]
            command += ["--model", str(model), "--text", str(text), "--threads", str(threads)]
            command += ["--parallel", str(parallel or 0)]
            command += ["--builds", str(builds)] if builds else []
            subprocess.run(command, check=True, cwd=Path(__file__).parents[2], stdout=sys.stderr)
        found, expected = np.load(ours, mmap_mode="r"), np.load(theirs, mmap_mode="r")
        parts = [slice(start, start + ROWS) for start in range(0, len(expected), ROWS)]
        weights = [len(expected[part]) for part in parts]
        return float(np.average([mean_divergence(expected[part], found[part]) for part in parts], weights=weights))


def _compute(arguments: argparse.Namespace) -> None:
    """Logits of one library as the product would load it: one prompt, read as prompts are."""
    with tempfile.TemporaryDirectory(prefix="samovar-peers-") as folder:
        lend_builds(Path(folder), arguments.builds)
        settings = Settings(
            home=Home(Path(folder)),
            model=arguments.model,
            ctx=1024,
            parallel=arguments.parallel or None,
            threads=arguments.threads,
            library=arguments.library,
        )
        planner = LoadPlanner(settings)
        engine = open_llama(planner.plan(planner.find(arguments.model)), lambda _: True)
        written = Path(arguments.text).read_text(encoding="utf-8")[: TOKENS * 20]
        tokens = engine.tokenize(written, special=False, bos=True)[:TOKENS]
        count = len(tokens)
        rows = engine.decode(Batch(tokens, list(range(count)), [0] * count, [True] * count))
        np.save(arguments.out, rows)
        print(f"logits of {count} tokens: {engine.info.setting}", flush=True)
        engine.close()


def _main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--library", choices=("auto", "ik", "mainline"), required=True)
    options.add_argument("--model", required=True)
    options.add_argument("--text", required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--parallel", type=int, default=0)
    options.add_argument("--builds", type=Path)
    _compute(options.parse_args())


if __name__ == "__main__":
    _main()
