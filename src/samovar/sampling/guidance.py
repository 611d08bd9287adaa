"""Classifier-free guidance: what the negative prompt makes likely counts against a token.

g = log p⁻ + s · (log p⁺ − log p⁻), with p⁺ the distribution after the prompt and p⁻ after the negative prompt
(Sanchez et al. 2023, "Stay on topic with Classifier-Free Guidance"; Hugging Face's guidance_scale). s = 1 is the
prompt alone, s > 1 moves away from the negative prompt, 0 is the negative prompt alone. Before the chain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]


def guided(positive: Logits, negative: Logits, scale: float) -> Logits:
    """New logits, float32 [vocabulary]. A token that either row rules out stays ruled out where `positive` says so,
    and is left as `positive` has it where only `negative` does."""
    log_positive, log_negative = _log_softmax(positive), _log_softmax(negative)
    with np.errstate(invalid="ignore"):
        steered = log_negative + np.float32(scale) * (log_positive - log_negative)
    return np.where(np.isfinite(log_positive) & np.isfinite(log_negative), steered, log_positive)


def _log_softmax(logits: Logits) -> Logits:
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum(dtype=np.float64)).astype(np.float32))
