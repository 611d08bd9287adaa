"""The chain in C++, where `native/` was built: which chains it takes, and how a chain is told to it.

A chain with a step that the kernel does not have runs in numpy as a whole. Both give the same tokens for the same
seed, but for a draw in ten thousand or fewer that falls on the last digit of a border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from samovar.sampling.candidates import Ids
from samovar.sampling.chain import Chain
from samovar.sampling.lexicon import Lexicon
from samovar.sampling.step import Values, biases, number, texts, tokens
from samovar.sampling.steps import dynamic_temperature, epsilon_cutoff, eta_cutoff

if TYPE_CHECKING:
    import samovar_kernel

NO_TOKEN = -1
"""What the kernel answers for a row that it cannot draw from: numpy then says why."""

Told = tuple[Sequence[float], Ids]
"""A step's numbers and ids, as the kernel's `steps.hpp` and its neighbours say."""

Tell = Callable[[Values, Lexicon], Told]

NO_IDS: Ids = np.empty(0, dtype=np.int64)
NO_IDS.flags.writeable = False


@lru_cache(maxsize=1)
def native_steps() -> frozenset[str]:
    """The steps that the kernel has; none where it was not built."""
    try:
        import samovar_kernel
    except ImportError:
        return frozenset()
    return frozenset(samovar_kernel.steps())


def compiled(chain: Chain, lexicon: Lexicon) -> samovar_kernel.Chain | None:
    """`chain` for the kernel, or None where numpy has to serve."""
    known = native_steps()
    if not known or any(step.name not in known for step in chain.steps):
        return None
    from samovar_kernel import Chain as Native

    told = [(step.name, *TELL[step.name](chain.values, lexicon)) for step in chain.steps]
    return Native(lexicon.size, told)


def _numbers(*names: str) -> Tell:
    return lambda values, _: (tuple(float(number(values, name)) for name in names), NO_IDS)


def _end_tokens(*names: str) -> Tell:
    return lambda values, lexicon: (_numbers(*names)(values, lexicon)[0], lexicon.end_tokens)


def _bias(values: Values, _lexicon: Lexicon) -> Told:
    bias = sorted(biases(values, "logit_bias").items())
    return tuple(amount for _, amount in bias), np.array([token for token, _ in bias], dtype=np.int64)


def _bans(values: Values, _lexicon: Lexicon) -> Told:
    return (), np.unique(np.array(tokens(values, "token_bans"), dtype=np.int64))


def _dry(values: Values, lexicon: Lexicon) -> Told:
    numbers, _ = _numbers("dry_range", "dry_multiplier", "dry_base", "dry_allowed_length")(values, lexicon)
    return numbers, lexicon.breakers(texts(values, "dry_sequence_breakers")).flat


def _dynamic_temperature(values: Values, _lexicon: Lexicon) -> Told:
    return (*dynamic_temperature.ends(values), number(values, "dynatemp_exponent")), NO_IDS


def _cutoff(name: str, unit: float) -> Tell:
    return lambda values, _: ((number(values, name) * unit,), NO_IDS)


RANGE = "repetition_penalty_range"

TELL: Mapping[str, Tell] = MappingProxyType(
    {
        "logit_bias": _bias,
        "token_bans": _bans,
        "ban_eos_token": _end_tokens(),
        "min_tokens": _end_tokens("min_tokens"),
        "encoder_repetition_penalty": _numbers("encoder_repetition_penalty"),
        "repetition_penalty": _numbers(RANGE, "repetition_penalty", "repetition_penalty_slope"),
        "frequency_penalty": _numbers(RANGE, "frequency_penalty"),
        "presence_penalty": _numbers(RANGE, "presence_penalty"),
        "dry": _dry,
        "no_repeat_ngram": _numbers("no_repeat_ngram_size"),
        "top_n_sigma": _numbers("top_n_sigma"),
        "top_k": _numbers("top_k"),
        "tfs": _numbers("tfs"),
        "typical_p": _numbers("typical_p"),
        "top_p": _numbers("top_p"),
        "min_p": _numbers("min_p"),
        "top_a": _numbers("top_a"),
        "epsilon_cutoff": _cutoff("epsilon_cutoff", epsilon_cutoff.UNIT),
        "eta_cutoff": _cutoff("eta_cutoff", eta_cutoff.UNIT),
        "xtc": _numbers("xtc_probability", "xtc_threshold"),
        "temperature": _numbers("temperature"),
        "dynamic_temperature": _dynamic_temperature,
        "quadratic_sampling": _numbers("smoothing_factor", "smoothing_curve"),
        "skew": _numbers("skew"),
    }
)
"""How each step that the kernel has is told to it."""
