"""Logits in, token out: the sampling steps, the chain they form, and the seeded draw at its end.

Knows nothing of engines, prompts or requests' shapes. Every step is numpy and pure; one file a step in `steps/`.
"""

from samovar.sampling.lexicon import Lexicon
from samovar.sampling.registry import parameters, resolve, steps
from samovar.sampling.sampler import Sampler
from samovar.sampling.trace import trace

__all__ = ["Lexicon", "Sampler", "parameters", "resolve", "steps", "trace"]
