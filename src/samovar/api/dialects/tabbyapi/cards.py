"""What tabbyAPI tells of a model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.answering.desk import Desk
from samovar.api.dialects.tabbyapi.switching import template_name
from samovar.core.rope import PLAIN_CACHE, CacheTypes, KvType
from samovar.services.contracts import InstalledModel

CACHES: Mapping[KvType, tuple[str, int]] = MappingProxyType(
    {"f16": ("FP16", 16), "q8_0": ("Q8", 8), "q5_1": ("Q6", 6), "q4_0": ("Q4", 4)}
)
"""tabbyAPI's name, and bits, of what keys and values are kept as."""


class Parameters(msgspec.Struct, frozen=True):
    """How the model was loaded."""

    max_seq_len: int
    cache_size: int
    cache_mode: str
    prompt_template_content: str | None
    rope_scale: float = 1.0
    rope_alpha: float = 1.0
    max_batch_size: int = 1
    chunk_size: int = 512
    prompt_template: str | None = None
    use_vision: bool = False
    draft: None = None


class Card(msgspec.Struct, frozen=True):
    id: str
    created: int
    parameters: Parameters | None = None
    object: str = "model"
    owned_by: str = "samovar"
    logging: None = None


def card(model: InstalledModel, parameters: Parameters | None = None) -> Card:
    return Card(model.name, int(model.created), parameters)


async def current(desk: Desk, model: InstalledModel) -> Card:
    """The card of a model that is loaded."""
    details = await desk.library.details(model.name)
    loaded = next((known for known in desk.models.loaded() if known.name == model.name), None)
    window = loaded.window if loaded else details.trained_context
    context = await desk.models.chosen(model.name) or desk.models.context
    whole = await desk.models.whole(model.name, context)
    own = await desk.library.own(model.name)
    return card(
        model,
        Parameters(
            max_seq_len=window,
            cache_size=window,
            cache_mode=_cache_mode(whole.cache or PLAIN_CACHE),
            prompt_template_content=own.template or details.template,
            rope_alpha=context.rope.rope_alpha or 1.0,
            prompt_template=template_name(own),
        ),
    )


def _cache_mode(cache: CacheTypes) -> str:
    """As tabbyAPI takes it: the name where keys and values are kept alike, else the bits of both."""
    (name, keys), (_, values) = CACHES[cache.keys], CACHES[cache.values]
    return name if keys == values else f"{keys},{values}"
