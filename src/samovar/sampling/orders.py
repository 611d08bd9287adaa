"""The orders of chains, as data, and what other programs call the steps.

An order names steps. Steps that it does not name come before those that it names, so that nothing that a request
sets is ever left out silently; but a dynamic temperature stands where the plain one does, and steps that aim at a
surprise come last, because they judge what all others left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

PENALTIES = ("repetition_penalty", "frequency_penalty", "presence_penalty")
HEAT = ("temperature", "dynamic_temperature", "quadratic_sampling")
TARGETS = ("adaptive_p", "mirostat", "skew")

DEFAULT_ORDER = (
    *("logit_bias", "token_bans", "ban_eos_token", "min_tokens"),
    *("encoder_repetition_penalty", *PENALTIES, "dry", "no_repeat_ngram"),
    *("top_n_sigma", "top_k", "tfs", "typical_p", "top_p", "min_p", "top_a", "epsilon_cutoff", "eta_cutoff", "xtc"),
    *(*HEAT, *TARGETS),
)
"""llama.cpp's, with the steps that it does not have between their kin: truncation judges the model's own
probabilities, temperature comes after it."""

ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "samovar": DEFAULT_ORDER,
        "llama.cpp": (
            *(*PENALTIES, "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc"),
            *("temperature", "dynamic_temperature", "adaptive_p"),
        ),
        "text-generation-webui": (
            *("repetition_penalty", "presence_penalty", "frequency_penalty", "dry", "top_n_sigma", *HEAT),
            *("top_k", "top_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "tfs", "top_a", "min_p"),
            *("adaptive_p", "mirostat", "xtc", "encoder_repetition_penalty", "no_repeat_ngram"),
        ),
        "koboldcpp": (
            *("dry", *PENALTIES, "top_n_sigma", "top_k", "top_a", "tfs", "typical_p", "top_p", "min_p"),
            *(*HEAT, "xtc", *TARGETS),
        ),
        "transformers": (
            *("logit_bias", "encoder_repetition_penalty", "repetition_penalty", "no_repeat_ngram", "min_tokens"),
            *("token_bans", "temperature", "dynamic_temperature", "top_k", "top_p", "min_p", "typical_p"),
            *("epsilon_cutoff", "eta_cutoff"),
        ),
    }
)
"""The default orders of other programs, by their names."""

KOBOLD_NUMBERS: tuple[tuple[str, ...], ...] = (
    ("top_k",),
    ("top_a",),
    ("top_p", "min_p"),
    ("tfs",),
    ("typical_p",),
    HEAT,
    PENALTIES,
)
"""What the numbers 0 to 6 of koboldcpp's `sampler_order` stand for. XTC has none, and comes behind them there."""

OTHER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "penalties": PENALTIES,
        "typ_p": ("typical_p",),
        "typical": ("typical_p",),
        "tfs_z": ("tfs",),
        "top_nsigma": ("top_n_sigma",),
        "top_p_top_k": ("top_p", "top_k"),
        "quadratic": ("quadratic_sampling",),
        "e": PENALTIES,
        "d": ("dry",),
        "s": ("top_n_sigma",),
        "k": ("top_k",),
        "y": ("typical_p",),
        "p": ("top_p",),
        "m": ("min_p",),
        "x": ("xtc",),
        "t": ("temperature", "dynamic_temperature"),
        "a": ("adaptive_p",),
    }
)
"""What other programs call steps, llama.cpp's letters among them."""


def read_order(order: Iterable[str | int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(our names for an order in any program's words, the words that mean nothing here). Of a step that is named
    twice the first place counts."""
    names: list[str] = []
    unknown: list[str] = []
    words = list(order)
    if any(isinstance(word, int) for word in words):
        words.append("xtc")
    for word in words:
        meant = _meaning(word)
        names.extend(name for name in meant if name not in names)
        if not meant:
            unknown.append(str(word))
    return tuple(names), tuple(unknown)


def _meaning(word: str | int) -> tuple[str, ...]:
    if isinstance(word, int):
        return KOBOLD_NUMBERS[word] if 0 <= word < len(KOBOLD_NUMBERS) else ()
    return (word,) if word in DEFAULT_ORDER else OTHER_NAMES.get(word, ())


def complete(order: tuple[str, ...], *, temperature_last: bool = False) -> tuple[str, ...]:
    """`order` with every step in it; the default order where it is empty. `temperature_last` moves the steps that
    heat or cool behind all truncation."""
    named = list(order or DEFAULT_ORDER)
    if "temperature" in named and "dynamic_temperature" not in named:
        named.insert(named.index("temperature") + 1, "dynamic_temperature")
    rest = [name for name in DEFAULT_ORDER if name not in named]
    last = [name for name in rest if name in TARGETS]
    whole = [*(name for name in rest if name not in TARGETS), *named, *last]
    if not temperature_last:
        return tuple(whole)
    cool = [name for name in whole if name not in HEAT and name not in TARGETS]
    return (*cool, *(name for name in whole if name in HEAT), *(name for name in whole if name in TARGETS))
