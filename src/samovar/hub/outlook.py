"""What a window comes to for a model before it is loaded, for people to choose by: how far the context is
stretched, and what its cache takes in each type. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from samovar.core.engine import Note
from samovar.core.rope import KV_TYPES, CacheTypes, KvType, RopeWish, check_wish
from samovar.formats.shape import ModelShape
from samovar.hub.memory import cell_parts, fits_blocks
from samovar.hub.rope import Point, alpha_curve, stretch, stretched_base, suggested_alpha


@dataclass(frozen=True, slots=True)
class CacheCost:
    """Bytes that the window's keys and values take, both kept as `type`: together, and each."""

    type: KvType
    size: int
    keys: int
    values: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """A model's context at `window` tokens.

    `suggested` and `suggested_base`: what reaches the window. `alpha`: what is applied: the one that was asked for;
    without one the suggested one, or 1 where the model is left alone. `notes`: what is done, and warnings. `curve`:
    suggestions from the trained context on. `cache`: by type, the most exact first; without the types that the
    model's heads do not fit.
    """

    trained: int
    window: int
    base: float
    alpha: float
    suggested: float
    suggested_base: float
    notes: tuple[Note, ...]
    curve: tuple[Point, ...]
    cache: tuple[CacheCost, ...]


def outlook(shape: ModelShape, window: int, alpha: float | None = None) -> Outlook:
    """`window` in tokens, at least 1. Raises OutOfRange for an alpha that cannot be."""
    wish = RopeWish(rope_alpha=alpha)
    check_wish(wish)
    decided = stretch(shape, window, wish)
    suggested = suggested_alpha(shape.rope, shape.trained_context, window)
    return Outlook(
        trained=shape.trained_context,
        window=window,
        base=shape.rope.base,
        alpha=decided.alpha or 1.0,
        suggested=suggested,
        suggested_base=stretched_base(shape.rope.base, suggested, shape.rope.dimensions),
        notes=decided.notes,
        curve=alpha_curve(shape.rope, shape.trained_context),
        cache=tuple(_cost(shape, type, window) for type in KV_TYPES if fits_blocks(shape, CacheTypes(type, type))),
    )


def _cost(shape: ModelShape, type: KvType, window: int) -> CacheCost:
    keys, values = (window * part for part in cell_parts(shape, CacheTypes(type, type)))
    return CacheCost(type, keys + values, keys, values)
