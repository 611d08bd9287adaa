"""The child of the matrix test that writes its models: one per GGML type and row width, named TYPE-WIDTH.gguf.

    python -m tests.engines.matrix_models FOLDER

Beside each lie the logits to expect, float32 [story, token, vocabulary], for one story and for four.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np

from tests.engines.matrix_case import LENGTHS, stories
from tests.support.quantizing import quantize
from tests.support.tiny_llama import Shape, TinyLlama

WIDTHS = (576, 640, 896, 960, 1024, 2048)
TYPES = (
    *("F32", "F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "IQ4_NL"),
    *("Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "IQ4_XS", "IQ3_S", "IQ3_XXS"),
)


def cases() -> list[tuple[str, int]]:
    """Every type with every width that its blocks divide."""
    blocks = {type: gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[type]][0] for type in TYPES}
    return [(type, width) for width in WIDTHS for type in TYPES if width % blocks[type] == 0]


def prepare(folder: Path) -> None:
    exact = {width: TinyLlama(Shape(width=width, layers=1)) for width in WIDTHS}
    for type, width in cases():
        model, blocks = (exact[width], None) if type == "F32" else exact[width].in_type(type, quantize)
        path = model.write(folder / f"{type}-{width}.gguf", type, blocks)
        for parallel in LENGTHS:
            logits = np.stack([model.logits(story) for story in stories(parallel)])
            np.save(path.with_suffix(f".{parallel}.npy"), logits)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
