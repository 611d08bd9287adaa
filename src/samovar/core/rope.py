"""How positions are turned into angles (RoPE), and what the KV cache is made of: values, and what of them can be
meant. Knows no model: what a wish comes to for one is worked out in `hub.rope`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from samovar.core.errors import InvalidParameter, OutOfRange

Scaling = Literal["none", "linear", "yarn"]
KvType = Literal["f16", "q8_0", "q5_1", "q4_0"]
KV_TYPES: tuple[KvType, ...] = ("f16", "q8_0", "q5_1", "q4_0")
"""The types that keys and values may have, the most exact first."""


ALPHAS = (1.0, 1000.0)
"""The least and the largest alpha."""


class CacheTypes(msgspec.Struct, frozen=True):
    """What keys and values are kept as."""

    keys: KvType = "f16"
    values: KvType = "f16"


PLAIN_CACHE = CacheTypes()
QUICK_CACHE = CacheTypes("q8_0", "f16")
"""With keys of 8 bits `ik`'s flash attention multiplies integers: prompts of 2,000 tokens are read 1.2 to 1.4 times
as fast, and the logits differ by less than they do between batch sizes."""


class Rope(msgspec.Struct, frozen=True, kw_only=True):
    """Rotary positions as libllama's context takes them (`llama_context_params`). None: as the model's file says.

    Position p turns pair i of d dimensions by p · `freq_scale` · `freq_base`^(−2i/d). YaRN (Peng et al. 2023)
    leaves the pairs alone that turn more than `yarn_beta_fast` times within `yarn_orig_ctx` tokens, scales those
    that turn less than `yarn_beta_slow` times, and mixes between; `yarn_ext_factor` is how much of that (0 to 1),
    and `yarn_attn_factor` what attention is multiplied by.
    """

    scaling: Scaling | None = None
    freq_base: float | None = None
    freq_scale: float | None = None
    yarn_orig_ctx: int | None = None
    yarn_ext_factor: float | None = None
    yarn_attn_factor: float | None = None
    yarn_beta_fast: float | None = None
    yarn_beta_slow: float | None = None


OWN_ROPE = Rope()


class RopeWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may say about positions; None: nothing. `rope_alpha` raises the base so far that the slowest
    pairs turn alpha times slower and the fastest stay (NTK-aware scaling), 1 leaves a model alone; `rope_scale` is
    by how much the context is stretched where positions are divided (linear, YaRN)."""

    rope_alpha: float | None = None
    rope_freq_base: float | None = None
    rope_scaling: Scaling | None = None
    rope_scale: float | None = None
    yarn_orig_ctx: int | None = None
    yarn_ext_factor: float | None = None
    yarn_attn_factor: float | None = None
    yarn_beta_fast: float | None = None
    yarn_beta_slow: float | None = None


NO_WISH = RopeWish()


class ContextWish(RopeWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source says about the context: positions, and what keys and values are kept as."""

    cache_type_k: KvType | None = None
    cache_type_v: KvType | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is loaded with. `ctx`: tokens that one request may use, None where they are to be chosen from
    the model and the memory. Without a wish in `rope` a context past the trained one is stretched as needed.
    `cache` None: what suits the model and the library."""

    ctx: int | None = None
    rope: RopeWish = NO_WISH
    cache: CacheTypes | None = None


_RANGES: Mapping[str, tuple[float, float, str]] = MappingProxyType(
    {
        "rope_alpha": (*ALPHAS, "core.rope_alpha"),
        "rope_freq_base": (1.0, 1e12, "core.rope_freq_base"),
        "rope_scale": (1.0, 1000.0, "core.rope_scale"),
        "yarn_orig_ctx": (1, 1 << 24, "core.parameter_range"),
        "yarn_ext_factor": (0.0, 1.0, "core.parameter_range"),
        "yarn_attn_factor": (0.0, 100.0, "core.parameter_range"),
        "yarn_beta_fast": (0.0, 10_000.0, "core.parameter_range"),
        "yarn_beta_slow": (0.0, 10_000.0, "core.parameter_range"),
    }
)
"""Least, most, and the sentence for what lies outside."""


def check_wish(wish: RopeWish) -> None:
    """Raises OutOfRange for a number that cannot be meant, InvalidParameter for wishes that exclude each other."""
    for name, (least, most, key) in _RANGES.items():
        value = getattr(wish, name)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            raise OutOfRange(key, name=name, value=value, minimum=least, maximum=most)
    if wish.rope_alpha is not None and wish.rope_freq_base is not None:
        raise InvalidParameter("core.rope_alpha_and_base", alpha=wish.rope_alpha, base=wish.rope_freq_base)
    if wish.rope_scaling == "none" and wish.rope_scale is not None:
        raise InvalidParameter("core.rope_scale_of_none", scale=wish.rope_scale)
