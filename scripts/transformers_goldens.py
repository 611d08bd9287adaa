"""Writes tests/sampling/data/transformers.npz: what Hugging Face's logits warpers make of 1,000 random and 100 real
distributions. Needs torch and transformers, which nothing else here does:

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install torch==2.13.0 transformers==5.23.0 numpy
    PYTHONPATH=. /tmp/goldens/bin/python scripts/transformers_goldens.py

For every case and kind of distribution: the bits of who survives, [rows, tokens], packed; and for processors that
change logits, the logits float32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers as hf

from tests.sampling.golden_cases import GOLDEN_CASES, golden_rows

TARGET = Path(__file__).resolve().parent.parent / "tests" / "sampling" / "data" / "transformers.npz"

MAKERS = {
    "temperature": lambda value: hf.TemperatureLogitsWarper(value),
    "top_k": lambda value: hf.TopKLogitsWarper(value),
    "top_p": lambda value: hf.TopPLogitsWarper(value),
    "min_p": lambda value: hf.MinPLogitsWarper(value),
    "typical_p": lambda value: hf.TypicalLogitsWarper(value),
    "epsilon_cutoff": lambda value: hf.EpsilonLogitsWarper(value * 1e-4),
    "eta_cutoff": lambda value: hf.EtaLogitsWarper(value * 1e-4),
    "repetition_penalty": lambda value: hf.RepetitionPenaltyLogitsProcessor(value),
    "no_repeat_ngram": lambda value: hf.NoRepeatNGramLogitsProcessor(value),
}


def main() -> None:
    answers: dict[str, np.ndarray] = {}
    for kind, rows in golden_rows().items():
        for name, (step, value) in GOLDEN_CASES.items():
            left = np.stack([golden(step, value, row.logits, row.history) for row in rows])
            answers[f"{kind}/{name}"] = np.packbits(left > -np.inf, axis=1)
            if step in ("temperature", "repetition_penalty", "encoder_repetition_penalty"):
                answers[f"{kind}/{name}/logits"] = left
    np.savez_compressed(TARGET, **answers)


def golden(step: str, value: float, logits: np.ndarray, history: np.ndarray) -> np.ndarray:
    scores, ids = torch.from_numpy(logits)[None], torch.from_numpy(history)[None]
    if step == "encoder_repetition_penalty":
        return hf.EncoderRepetitionPenaltyLogitsProcessor(value, ids)(ids, scores)[0].numpy()
    return MAKERS[step](value)(ids, scores)[0].numpy()


if __name__ == "__main__":
    main()
