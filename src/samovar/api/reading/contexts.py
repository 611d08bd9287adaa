"""What other programs' clients say about how a model is to be loaded, as a `Context` of ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.rope import CacheTypes, Context, KvType, RopeWish, check_wish
from samovar.hub.memory import LONGEST_WINDOW
from samovar.services.contracts import ContextChoice

WINDOWS = ("ctx_size", "n_ctx", "max_seq_len", "context_size")
ALPHAS = ("alpha_value", "rope_alpha")
STRETCHES = ("compress_pos_emb", "rope_scale")
CACHES = ("cache_type", "cache_mode")

TYPES: Mapping[str, KvType] = MappingProxyType(
    {
        "fp16": "f16",
        "f16": "f16",
        "16": "f16",
        "q8": "q8_0",
        "q8_0": "q8_0",
        "8": "q8_0",
        "q6": "q5_1",
        "q5_1": "q5_1",
        "6": "q5_1",
        "5": "q5_1",
        "q4": "q4_0",
        "q4_0": "q4_0",
        "4": "q4_0",
    }
)
"""By the names of text-generation-webui and tabbyAPI; six bits have five here."""


def read_context(fields: Fields) -> ContextChoice | None:
    """What `fields` say, None where they say nothing of it. Raises InvalidParameter, OutOfRange."""
    windows = [fields.whole(name, 0, LONGEST_WINDOW) for name in WINDOWS]
    alphas = [fields.number(name, 0, 1000) for name in ALPHAS]
    stretches = [fields.number(name, 0, 1000) for name in STRETCHES]
    base, cache = fields.number("rope_freq_base", 0, 1e12), _cache(fields)
    alpha, stretch = _stated(alphas), _stated(stretches)
    wish = RopeWish(
        rope_alpha=alpha,
        rope_freq_base=base or None,
        rope_scaling="linear" if stretch else None,
        rope_scale=stretch,
    )
    check_wish(wish)
    context = Context(ctx=next((window for window in windows if window), None), rope=wish, cache=cache)
    return None if context == Context() else ContextChoice(context)


def _stated(values: list[float | None]) -> float | None:
    """0 and 1 say that nothing is to be changed."""
    return next((value for value in values if value and value != 1), None)


def _cache(fields: Fields) -> CacheTypes | None:
    """One type for keys and values, or two with a comma between."""
    given = [text for text in map(fields.text, CACHES) if text]
    if not given:
        return None
    words = [word.strip().lower() for word in given[0].split(",")]
    found = [TYPES.get(word) for word in (words[0], words[-1])]
    if len(words) > 2 or None in found:
        known = ", ".join(TYPES)
        raise InvalidParameter("textgen.cache_type", name="cache_type", value=given[0][:40], known=known)
    keys, values = cast("list[KvType]", found)
    return CacheTypes(keys, values)
