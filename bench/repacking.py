"""What interleaved rows bring on `ik`, by GGML type: the table of `engines/llama/repacking.py`.

    python bench/repacking.py [TYPE...]

Random models of 60 million weights, all matrices of one type; 2 threads, the best of three rounds in turns. Prints
a table for docs/benchmarks.md: tokens per second as the rows lie in the file and interleaved, and the ratio.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from samovar.core.engine import Batch, Engine, LoadSpec, Setting
from samovar.core.rope import QUICK_CACHE
from samovar.engines.llama.opening import open_llama
from tests.support.quantizing import quantize
from tests.support.tiny_llama import Shape, TinyLlama

TYPES = ("Q8_0", "Q5_0", "Q4_0", "IQ4_NL", "Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "IQ4_XS", "IQ3_S", "IQ3_XXS")
SHAPE = Shape(width=1024, heads=16, kv_heads=4, hidden=3072, layers=5)
RUNS = ((512, 512), (8, 256), (1, 96))
"""(Tokens of a batch, of all): a prompt, eight streams, one."""
ROUNDS, THREADS, WARM = 3, 2, 32


class Model(TinyLlama):
    @property
    def matrices(self) -> tuple[str, ...]:
        return tuple(name for name, weight in self.weights.items() if "blk." in name and weight.ndim > 1)


def main(types: list[str]) -> None:
    exact = Model(SHAPE)
    print("| type | prompt | 8 streams | 1 stream |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for type in types or TYPES:
            model, blocks = exact.in_type(type, quantize)
            path = model.write(Path(folder) / "model.gguf", type, blocks)
            taken = [(speeds(path, repacked=False), speeds(path, repacked=True)) for _ in range(ROUNDS)]
            plain, repacked = (list(map(max, zip(*side, strict=True))) for side in zip(*taken, strict=True))
            cells = (f"{a:.0f} → {b:.0f}, {b / a:.2f} ×" for a, b in zip(plain, repacked, strict=True))
            print(f"| {type} | {' | '.join(cells)} |", flush=True)


def speeds(path: Path, *, repacked: bool) -> list[float]:
    """Tokens per second of each of the RUNS."""
    spec = LoadSpec(
        engine="llama",
        path=str(path),
        window=1024,
        cells=1024,
        parallel=1,
        threads=THREADS,
        cache=QUICK_CACHE,
        settings=(Setting("ik", 512, True, repacked=repacked),),
        trusted=0,
        shifts=True,
    )
    engine = open_llama(spec, lambda _: True)
    speed(engine, WARM, WARM)
    found = [speed(engine, batch, total) for batch, total in RUNS]
    engine.close()
    return found


def speed(engine: Engine, batch: int, total: int) -> float:
    engine.remove(0, 0)
    ids = [3 + i * i * 7 % (engine.info.vocab_size - 4) for i in range(batch)]
    wanted = [False] * (batch - 1) + [True]
    began = time.perf_counter()
    for start in range(0, total, batch):
        engine.decode(Batch(ids, list(range(start, start + batch)), [0] * batch, wanted))
    return total / (time.perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1:])
