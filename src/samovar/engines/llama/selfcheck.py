"""Whether a context computes one passage alike in small batches and in one: what a build is trusted by.

A kernel that is wrong for some tensor is wrong in batches of some sizes only. 8-bit activations differ between
batch sizes by a mean Kullback–Leibler divergence of up to 0.017 nat on real models; faults measure 0.03 to 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from samovar.core.engine import Batch
from samovar.core.rope import CacheTypes, KvType
from samovar.engines.llama.contexts import AnyContext
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.vocabulary import Vocabulary

if TYPE_CHECKING:
    from samovar.core.engine import Logits

TOLERANCE = 0.025
"""Mean divergence, in nats, up to which two computations agree."""
_TOLERANCES: Mapping[KvType, float] = MappingProxyType({"q5_1": 0.05, "q4_0": 0.15})
LENGTH, STEP, OFFSET = 64, 8, 16
CELLS = 512
"""KV cells of a context that is only made to be tried."""
PASSAGE = (
    "The samovar stood on the table and hummed. Outside it had been snowing since morning, and nobody was in a "
    "hurry to leave: there was tea, there was bread with honey, and grandfather had promised to tell how, in 1911, "
    "he crossed the frozen river on foot with a letter sewn into his coat. “First,” he said, “you must know what "
    "cold is.”"
)


def disagreement(context: AnyContext, vocabulary: Vocabulary) -> float:
    """Mean divergence (nats) between the passage in batches of 8 and in one batch; infinite where a logit is not
    finite. Uses sequence 0, which must be empty, and leaves it empty."""
    tokens = passage(vocabulary)
    small = np.concatenate([_logits(context, tokens, start, STEP).copy() for start in range(0, len(tokens), STEP)])
    context.remove(0, 0, None)
    large = _logits(context, tokens, 0, len(tokens))
    divergence = mean_divergence(small, large)
    context.remove(0, 0, None)
    return divergence


def shift_error(context: AnyContext, vocabulary: Vocabulary) -> float:
    """Mean divergence (nats) of the last 16 tokens of the passage from a fresh computation, where the tokens before
    them were computed 16 positions too far on and then shifted back. Rotary positions are relative: a right shift
    gives the same logits but for rounding. Uses sequence 0, which must be empty, and leaves it empty."""
    tokens = passage(vocabulary)
    head = LENGTH - OFFSET
    fresh = _logits(context, tokens, 0, LENGTH)[head:].copy()
    context.remove(0, 0, None)
    _logits(context, tokens, 0, head, offset=OFFSET)
    context.shift(0, OFFSET, LENGTH, -OFFSET)
    divergence = mean_divergence(fresh, _logits(context, tokens, head, OFFSET))
    context.remove(0, 0, None)
    return divergence


def tolerance(cache: CacheTypes) -> float:
    """What two computations may differ by with such a cache. The coarser its types, the more a last digit of a key
    moves: up to 0.026 was seen with q5_1 keys, 0.039 with q4_0 keys, and little with such values."""
    return max(_TOLERANCES.get(type, TOLERANCE) for type in (cache.keys, cache.values))


def passage(vocabulary: Vocabulary) -> list[int]:
    """The first 64 tokens of the passage, repeated where a vocabulary needs fewer for it."""
    tokens = vocabulary.tokenize(PASSAGE, special=False, bos=True)
    return (tokens * (LENGTH // max(len(tokens), 1) + 1))[:LENGTH]


def _logits(context: AnyContext, tokens: list[int], start: int, count: int, offset: int = 0) -> Logits:
    part = tokens[start : start + count]
    positions = list(range(start + offset, start + offset + len(part)))
    return context.decode(Batch(part, positions, [0] * len(part), [True] * len(part)))
