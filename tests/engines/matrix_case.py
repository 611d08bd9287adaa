"""One child of the matrix test: a build of libllama computes prepared models in every way; one JSON line per way.

    python -m tests.engines.matrix_case BUILD PARALLEL FLASH ROWS MODEL...

Beside each MODEL.gguf lies MODEL.npy: the expected logits of each of the PARALLEL stories.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from samovar.engines.llama.binding import ContextOptions, ModelOptions
from samovar.engines.llama.compiling.trial import compute
from samovar.engines.llama.context import Context
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.model import Model
from samovar.engines.llama.opening import load_binding
from tests.conformance.engine_suite import story

NATIVE = os.environ.get("SAMOVAR_NATIVE", "")
"""Folder of the library that was compiled on this machine."""
BATCHES = (1, 8, 31, 32, 64, 512)
LENGTHS = {1: 512, 4: 128}
"""Tokens of each story, by the number of stories: one batch of 512 holds all."""
SHORT = 64
"""Tokens that are computed, over all stories, in batches smaller than 512."""


def stories(parallel: int) -> list[list[int]]:
    return [story(100 + s, LENGTHS[parallel]) for s in range(parallel)]


def main(build: str, parallel: int, flash: bool, repacked: bool, models: list[Path]) -> None:
    binding = load_binding(build, NATIVE)
    told = stories(parallel)
    for path in models:
        expected = np.load(path.with_suffix(f".{parallel}.npy"))
        model = Model(binding, str(path), lambda _: True, ModelOptions(repacked=repacked))
        options = ContextOptions(cells=1024, batch=512, micro_batch=512, parallel=parallel, threads=1, flash=flash)
        context = Context(binding, model.handle, options, model.vocabulary.size)
        for batch in BATCHES:
            total = 512 if batch == 512 else SHORT
            found = compute(context, told, batch, total)
            each = total // parallel
            wanted = np.concatenate([expected[s, :each] for s in range(parallel)])
            print(json.dumps({"model": path.stem, "batch": batch, "divergence": mean_divergence(wanted, found)}))
            for sequence in range(parallel):
                context.remove(sequence, 0, None)
        context.close()
        model.close()


if __name__ == "__main__":
    build, parallel, flash, rows, *models = sys.argv[1:]
    main(build, int(parallel), flash == "flash", rows == "repacked", [Path(model) for model in models])
