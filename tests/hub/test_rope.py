"""How far a context is stretched: the guide's point, the curve, and whom it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.rope import OWN_ROPE, Rope, RopeWish
from samovar.formats.shape import ModelShape, RopeShape
from samovar.hub.outlook import outlook
from samovar.hub.rope import ALPHA_STEP, alpha_curve, stretch, stretched_base, suggested_alpha

LLAMA_2 = ModelShape(
    architecture="llama",
    layers=32,
    embedding=4096,
    heads=(32,) * 32,
    kv_heads=(32,) * 32,
    key_width=(4096,) * 32,
    value_width=(4096,) * 32,
    state_width=(0,) * 32,
    trained_context=4096,
    sliding_window=0,
    vocabulary=32_000,
    chat_template=None,
    rope=RopeShape(10_000.0, 128),
)
SILENT = RopeWish()


def keys(shape: ModelShape, window: int, wish: RopeWish = SILENT) -> list[str]:
    return [note.key for note in stretch(shape, window, wish).notes]


# The arithmetic


def test_the_guides_point_llama_2_at_twice_its_context() -> None:
    assert suggested_alpha(LLAMA_2.rope, 4096, 8192) == 2.65
    assert stretched_base(10_000, 2.65, 128) == pytest.approx(26_913, abs=1)


def test_alpha_becomes_a_base_by_d_over_d_minus_2() -> None:
    assert stretched_base(10_000, 4, 128) == pytest.approx(10_000 * 4 ** (64 / 63))
    assert stretched_base(10_000, 4, 64) == pytest.approx(10_000 * 4 ** (64 / 62))
    assert stretched_base(10_000, 1, 128) == 10_000


def test_the_pair_that_turned_once_in_the_trained_context_turns_once_in_the_wanted_one() -> None:
    """Within the rounding of alpha: the share of the dimensions that turn more than once stays."""
    rope = RopeShape(500_000.0, 128)
    alpha = suggested_alpha(rope, 8192, 16_384)
    assert turns(stretched_base(rope.base, alpha, 128), 16_384) == pytest.approx(turns(rope.base, 8192), abs=0.01)


def turns(base: float, context: int) -> float:
    """The share of the pairs that make a whole turn within `context` tokens."""
    from math import log, pi

    return log(context / (2 * pi)) / log(base)


@given(
    base=st.floats(100, 1e8),
    dimensions=st.integers(2, 256).map(lambda half: 2 * (half // 2)),
    trained=st.integers(1, 1 << 20),
    wanted=st.integers(1, 1 << 22),
)
def test_a_suggestion_is_a_number_one_can_type_and_never_shrinks(
    base: float, dimensions: int, trained: int, wanted: int
) -> None:
    alpha = suggested_alpha(RopeShape(base, dimensions), trained, wanted)
    assert alpha >= 1 and stretched_base(base, alpha, dimensions) >= base
    assert alpha == 1 or wanted > trained
    assert alpha / ALPHA_STEP == pytest.approx(round(alpha / ALPHA_STEP))


def test_the_curve_begins_at_one_and_rises_through_the_guides_point() -> None:
    curve = alpha_curve(LLAMA_2.rope, 4096)
    alphas = [point.alpha for point in curve]
    assert (curve[0].context, alphas[0]) == (4096, 1.0) and curve[-1].context == 4 * 4096
    assert alphas == sorted(alphas)
    assert dict(zip([point.context for point in curve], alphas, strict=True))[8192] == 2.65


# What is done


def test_a_window_past_the_trained_context_is_stretched_and_said() -> None:
    found = stretch(LLAMA_2, 8192, SILENT)
    assert found.rope == Rope(freq_base=pytest.approx(26_913, abs=1))
    assert found.alpha == 2.65
    assert [note.key for note in found.notes] == ["hub.rope_stretched"]


@pytest.mark.parametrize("window", [512, 4096])
def test_a_window_within_it_changes_nothing(window: int) -> None:
    found = stretch(LLAMA_2, window, SILENT)
    assert (found.rope, found.alpha, found.notes) == (OWN_ROPE, 1.0, ())


@pytest.mark.parametrize(
    "shape",
    [
        replace(LLAMA_2, trained_context=131_072, rope=RopeShape(500_000.0, 128)),
        replace(LLAMA_2, rope=RopeShape(10_000.0, 128, stretched=True)),
    ],
    ids=["long by itself", "stretched in training"],
)
def test_long_models_are_left_alone_and_told_what_would_help(shape: ModelShape) -> None:
    found = stretch(shape, 2 * shape.trained_context, SILENT)
    assert found.rope == OWN_ROPE
    (note,) = found.notes
    assert note.key == "hub.rope_left_alone" and float(note.facts["alpha"]) > 1


def test_a_model_without_turning_positions_is_left_alone() -> None:
    assert stretch(replace(LLAMA_2, rope=RopeShape()), 8192, SILENT).rope == OWN_ROPE


@pytest.mark.parametrize(
    ("times", "warning"), [(2, None), (2.1, "hub.rope_far"), (3, "hub.rope_far"), (3.1, "hub.rope_too_far")]
)
def test_past_two_and_three_times_the_trained_context_comes_a_warning(times: float, warning: str | None) -> None:
    for wish in (SILENT, RopeWish(rope_scaling="yarn")):
        said = keys(LLAMA_2, int(4096 * times), wish)
        assert [key for key in said if "far" in key] == ([warning] if warning else [])


def test_what_a_person_says_is_done_and_nothing_else() -> None:
    window = 8192
    assert stretch(LLAMA_2, window, RopeWish(rope_alpha=1.0)).rope == Rope()
    assert stretch(LLAMA_2, window, RopeWish(rope_freq_base=5e4)).rope == Rope(freq_base=5e4)
    assert stretch(LLAMA_2, 512, RopeWish(rope_alpha=2.65)).rope.freq_base == pytest.approx(26_913, abs=1)
    assert stretch(LLAMA_2, window, RopeWish(rope_scale=4.0)).rope == Rope(scaling="linear", freq_scale=0.25)
    assert keys(LLAMA_2, window, RopeWish(rope_alpha=1.0)) == []


def test_scaling_without_a_factor_takes_what_the_window_needs() -> None:
    assert stretch(LLAMA_2, 16_384, RopeWish(rope_scaling="yarn")).rope == Rope(scaling="yarn", freq_scale=0.25)
    original = RopeWish(rope_scaling="yarn", yarn_orig_ctx=2048)
    assert stretch(LLAMA_2, 8192, original).rope == Rope(scaling="yarn", freq_scale=0.25, yarn_orig_ctx=2048)
    assert stretch(LLAMA_2, 4096, RopeWish(rope_scaling="linear")).rope == Rope(scaling="linear")


# What a person is shown before loading


def test_the_outlook_counts_the_cache_of_every_type() -> None:
    found = outlook(LLAMA_2, 4096)
    assert {cost.type: cost.size for cost in found.cache} == {
        "f16": 2 << 30,
        "q8_0": (2 << 30) * 17 // 32,
        "q5_1": (2 << 30) * 12 // 32,
        "q4_0": (2 << 30) * 9 // 32,
    }
    assert (found.alpha, found.suggested, found.notes) == (1.0, 1.0, ())


def test_the_outlook_of_a_long_model_suggests_without_applying() -> None:
    found = outlook(replace(LLAMA_2, trained_context=65_536), 131_072)
    assert found.alpha == 1.0 and found.suggested > 1 and found.suggested_base > found.base


def test_types_that_do_not_fit_the_heads_are_not_offered() -> None:
    odd = replace(LLAMA_2, key_width=(80 * 32,) * 32)
    assert [cost.type for cost in outlook(odd, 4096).cache] == ["f16"]
