"""Whether a build computes whole texts alike when they are alone and when they are many: what it is trusted by with
models that read and do not write. Kernels that are wrong are so in batches of 32 tokens and more."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from samovar.core.engine import Batch, LoadSpec, Setting
from samovar.core.errors import EngineFailed
from samovar.engines.llama.binding import Binding, ContextOptions
from samovar.engines.llama.context import Context
from samovar.engines.llama.cpu import physical_cores
from samovar.engines.llama.model import Model

if TYPE_CHECKING:
    from samovar.core.engine import Logits

TEXTS, LENGTH = 8, 8
"""Texts of a check, and tokens of each."""
TOLERANCE = 0.002
"""Mean of 1 − cos, over tokens, of two states that agree. In 8 bits they differ by some 0.0001, by a fault a
hundred times as much."""

_STRIDE, _APART = 7919, 104_729


def check_texts(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> None:
    """Raises EngineFailed where the library refuses `way`, or computes texts otherwise together than alone."""
    texts = _texts(model.vocabulary.size)
    with closing(_trial(spec, way, binding, model)) as context:
        alone = np.concatenate([context.decode(_batch([text])).copy() for text in texts])
        divergence = mean_turn(alone, context.decode(_batch(texts)))
    # Not the other way round: what is not a number is not allowed either.
    if not divergence <= TOLERANCE:
        raise EngineFailed(
            "engines.text_check", build=binding.build, divergence=round(divergence, 4), allowed=TOLERANCE
        )


def mean_turn(expected: Logits, found: Logits) -> float:
    """Mean over rows of 1 − cos; not a number where a state is not finite, or has no length."""
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(1 - np.mean((expected * found).sum(axis=1) / lengths))


def _trial(spec: LoadSpec, way: Setting, binding: Binding, model: Model) -> Context:
    size = TEXTS * LENGTH
    options = ContextOptions(
        cells=size,
        batch=size,
        micro_batch=size,
        parallel=TEXTS,
        threads=spec.threads or physical_cores(),
        flash=way.flash,
        rope=spec.rope,
        hidden=True,
    )
    return Context(binding, model.handle, options, binding.width(model.handle))


def _texts(vocabulary: int) -> list[list[int]]:
    """Tokens from all over the vocabulary: what they mean does not matter."""
    return [[(text * _APART + place * _STRIDE) % vocabulary for place in range(LENGTH)] for text in range(TEXTS)]


def _batch(texts: list[list[int]]) -> Batch:
    tokens = [token for text in texts for token in text]
    positions = [place for text in texts for place in range(len(text))]
    owners = [number for number, text in enumerate(texts) for _ in text]
    return Batch(tokens, positions, owners, [True] * len(tokens))
