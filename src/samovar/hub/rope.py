"""How far a model's context is stretched: the arithmetic of bases and alphas, and what a person's wish comes to for
one model. Pure; what a longer context costs in memory is in `memory`.

NTK-aware scaling (bloc97, 2023): base' = base · alpha^(d/(d−2)), d the dimensions of a head that are turned. The
slowest pair then turns alpha times slower, as if positions were divided by alpha; the fastest pair, which tells
neighbours apart, turns as before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from samovar.core.engine import Note
from samovar.core.rope import NO_WISH, OWN_ROPE, Rope, RopeWish
from samovar.formats.shape import ModelShape, RopeShape

ALPHA_STEP = 0.05
"""Suggestions are rounded up to this: what people type, and rather a little more than too little."""
LONG_CONTEXT = 32_768
"""A model that was trained on so much is left alone unless someone says otherwise."""
FAR, TOO_FAR = 2.0, 3.0
"""Times the trained context past which answers suffer, and past which they fall apart."""
CURVE_REACH, CURVE_POINTS = 4, 25

_TURN = 2 * math.pi


def stretched_base(base: float, alpha: float, dimensions: int) -> float:
    """The base that `alpha` comes to: base · alpha^(d/(d−2)). Where no more than one pair turns, base · alpha."""
    return base * math.pow(alpha, dimensions / (dimensions - 2) if dimensions > 2 else 1.0)


def suggested_alpha(rope: RopeShape, trained: int, wanted: int) -> float:
    """The alpha with which a model trained on `trained` tokens reads `wanted`; 1 where it does so by itself.

    A pair that made just one turn within the trained context shall make just one within the wanted one:
    base' = base^(ln(wanted/2π) / ln(trained/2π)) (Liu et al. 2023, "Scaling Laws of RoPE-based Extrapolation").
    Llama 2 (base 10,000, 4096 tokens, d = 128) at 8192: alpha 2.65, base 26,913, the value found by trying.
    """
    if wanted <= trained or rope.dimensions == 0:
        return 1.0
    # A context of a few tokens has no pair that turns once in it: no law holds there, but the result stays finite.
    turns = math.log(max(trained / _TURN, math.e))
    growth = (math.log(rope.base) / turns) * math.log(wanted / trained)
    exponent = (rope.dimensions - 2) / rope.dimensions if rope.dimensions > 2 else 1.0
    return round(math.ceil(round(math.exp(growth * exponent) / ALPHA_STEP, 6)) * ALPHA_STEP, 2)


@dataclass(frozen=True, slots=True)
class Point:
    """The curve at one context length, in tokens."""

    context: int
    alpha: float


def alpha_curve(rope: RopeShape, trained: int) -> tuple[Point, ...]:
    """Suggested alphas from the trained context to four times that, evenly spaced."""
    step = trained * (CURVE_REACH - 1) / (CURVE_POINTS - 1)
    contexts = (round(trained + i * step) for i in range(CURVE_POINTS))
    return tuple(Point(context, suggested_alpha(rope, trained, context)) for context in contexts)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was decided for a window. `alpha`: the one in force, None where positions are scaled in another way."""

    rope: Rope
    alpha: float | None
    notes: tuple[Note, ...] = ()


def stretch(shape: ModelShape, window: int, wish: RopeWish) -> Stretch:
    """`wish` for a model and a window of so many tokens. Without a wish a window past the trained context gets the
    suggested alpha, unless the model is long by itself or was stretched in training. `notes` say what was done, and
    warn past two times the trained context."""
    decided = _wished(shape, window, wish) if wish != NO_WISH else _chosen(shape, window)
    return replace(decided, notes=(*decided.notes, *_warnings(shape.trained_context, window)))


def _wished(shape: ModelShape, window: int, wish: RopeWish) -> Stretch:
    base = wish.rope_freq_base
    if wish.rope_alpha is not None and wish.rope_alpha > 1:
        base = stretched_base(shape.rope.base, wish.rope_alpha, shape.rope.dimensions)
    rope = Rope(
        scaling=wish.rope_scaling or ("linear" if wish.rope_scale else None),
        freq_base=base,
        freq_scale=_freq_scale(shape, window, wish),
        yarn_orig_ctx=wish.yarn_orig_ctx,
        yarn_ext_factor=wish.yarn_ext_factor,
        yarn_attn_factor=wish.yarn_attn_factor,
        yarn_beta_fast=wish.yarn_beta_fast,
        yarn_beta_slow=wish.yarn_beta_slow,
    )
    return Stretch(rope, wish.rope_alpha)


def _freq_scale(shape: ModelShape, window: int, wish: RopeWish) -> float | None:
    """1 / the wished factor; where linear scaling or YaRN are wished without one, what the window needs."""
    if wish.rope_scale is not None:
        return 1 / wish.rope_scale
    trained = wish.yarn_orig_ctx or shape.trained_context
    return trained / window if wish.rope_scaling in ("linear", "yarn") and window > trained else None


def _chosen(shape: ModelShape, window: int) -> Stretch:
    trained = shape.trained_context
    if window <= trained or shape.rope.dimensions == 0 or not any(shape.key_width):
        return Stretch(OWN_ROPE, 1.0)
    facts: dict[str, str | int | float] = {"trained": trained, "window": window}
    alpha = suggested_alpha(shape.rope, trained, window)
    if shape.rope.stretched or trained >= LONG_CONTEXT:
        return Stretch(OWN_ROPE, 1.0, (Note("hub.rope_left_alone", facts | {"alpha": f"{alpha:g}"}),))
    base = stretched_base(shape.rope.base, alpha, shape.rope.dimensions)
    said = Note("hub.rope_stretched", facts | {"alpha": f"{alpha:g}", "base": round(base)})
    return Stretch(Rope(freq_base=base), alpha, (said,))


def _warnings(trained: int, window: int) -> Iterator[Note]:
    times = window / trained
    if times > FAR:
        key = "hub.rope_too_far" if times > TOO_FAR else "hub.rope_far"
        yield Note(key, {"trained": trained, "window": window, "times": f"{times:.1f}"})
