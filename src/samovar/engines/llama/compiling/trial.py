"""The child that computes: a library that is wrong may end its process.

    python -m samovar.engines.llama.compiling.trial expect FOLDER
    python -m samovar.engines.llama.compiling.trial compare FOLDER NATIVE
    python -m samovar.engines.llama.compiling.trial speed FOLDER [NATIVE]

`expect` writes the specimens and what the prebuilt library makes of them in small batches, which are right for all
types; `compare` prints how far the compiled one is from that in every way that may be used; `speed` prints how many
seconds a prompt takes. One JSON object a line.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from samovar.core.engine import Batch
from samovar.engines.llama.binding import Binding, ContextOptions
from samovar.engines.llama.compiling.specimen import Specimen, widths_of
from samovar.engines.llama.context import Context
from samovar.engines.llama.cpu import physical_cores
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.faults import first_wrong_batch
from samovar.engines.llama.model import Model
from samovar.engines.llama.opening import load_binding

if TYPE_CHECKING:
    from samovar.core.engine import Logits

TYPES = (
    *("F32", "F16", "BF16", "Q8_0", "Q6_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "IQ4_NL"),
    *("Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "IQ4_XS", "IQ3_S", "IQ4_K"),
)
SPECIMENS = tuple(Specimen(type, width) for type in TYPES for width in widths_of(type, (576, 1024)))
BATCHES = (1, 8, 31, 32, 64, 256)
WAYS = ((1, True), (1, False), (4, False))
"""Sequences, and whether with flash attention."""
EACH = 64
"""Tokens of each of the four stories."""
SMALL = 8

LARGE = Specimen("Q4_K", 1024, layers=6, heads=16, hidden=2816)
"""What speed is measured with: 70 million weights."""
PROMPT, PASSES = 512, 3


class Divergence(msgspec.Struct, frozen=True):
    """Mean divergence (nats) from what was expected, in one way."""

    specimen: str
    sequences: int
    flash: bool
    batch: int
    nats: float


def stories() -> list[list[int]]:
    random = np.random.default_rng(7)
    return [[int(token) for token in random.integers(3, 250, EACH)] for _ in range(4)]


def compute(context: Context, told: list[list[int]], batch: int, total: int) -> Logits:
    """Logits of the first `total` entries, stories in turns, in batches of `batch`; rows ordered by story."""
    entries = [(s, p) for p in range(total // len(told)) for s in range(len(told))]
    rows = []
    for start in range(0, total, batch):
        part = entries[start : start + batch]
        tokens = [told[s][p] for s, p in part]
        rows.append(
            context.decode(Batch(tokens, [p for _, p in part], [s for s, _ in part], [True] * len(part))).copy()
        )
    logits = np.concatenate(rows)
    return np.concatenate([logits[s :: len(told)] for s in range(len(told))])


def expect(folder: Path, binding: Binding) -> None:
    for specimen in SPECIMENS:
        path = specimen.write(folder / f"{specimen.name}.gguf", binding.library)
        with _Opened(binding, path, 1, flash=False) as context:
            found = []
            for story in stories():
                found.append(compute(context, [story], SMALL, EACH))
                context.remove(0, 0, None)
        np.save(path.with_suffix(".npy"), np.stack(found))
    LARGE.write(folder / "large.gguf", binding.library)


def compare(folder: Path, binding: Binding) -> None:
    for specimen in SPECIMENS:
        expected = np.load(folder / f"{specimen.name}.npy")
        wrong_from = first_wrong_batch(binding.build, specimen.type, specimen.width)
        for sequences, flash in WAYS:
            wanted = expected[:sequences].reshape(-1, expected.shape[-1])
            with _Opened(binding, folder / f"{specimen.name}.gguf", sequences, flash=flash) as context:
                for batch in BATCHES:
                    if (wrong_from is None or batch < wrong_from) and batch <= sequences * EACH:
                        found = compute(context, stories()[:sequences], batch, sequences * EACH)
                        nats = mean_divergence(wanted, found)
                        _say(Divergence(specimen.name, sequences, flash, batch, nats))
                        for sequence in range(sequences):
                            context.remove(sequence, 0, None)


def speed(folder: Path, binding: Binding) -> None:
    tokens = (stories()[0] * (PROMPT // EACH))[:PROMPT]
    batch = Batch(tokens, list(range(PROMPT)), [0] * PROMPT, [False] * (PROMPT - 1) + [True])
    with _Opened(binding, folder / "large.gguf", 1, flash=True) as context:
        seconds = []
        for _ in range(PASSES):
            start = time.perf_counter()
            context.decode(batch)
            seconds.append(time.perf_counter() - start)
            context.remove(0, 0, None)
    _say(min(seconds))


class _Opened:
    """A model with a context, closed when left."""

    def __init__(self, binding: Binding, path: Path, sequences: int, *, flash: bool) -> None:
        self._model = Model(binding, str(path), lambda _: True)
        options = ContextOptions(1024, 512, 512, sequences, physical_cores(), flash)
        self._context = Context(binding, self._model.handle, options, self._model.vocabulary.size)

    def __enter__(self) -> Context:
        return self._context

    def __exit__(self, *_: object) -> None:
        self._context.close()
        self._model.close()


def _say(value: object) -> None:
    print(msgspec.json.encode(value).decode(), flush=True)


def main(task: str, folder: str, native: str = "") -> None:
    binding = load_binding("ik-native" if native else "ik", native)
    {"expect": expect, "compare": compare, "speed": speed}[task](Path(folder), binding)


if __name__ == "__main__":
    main(*sys.argv[1:])
