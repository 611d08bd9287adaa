"""What a person may say about positions, and what is refused with its reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidParameter, OutOfRange
from samovar.core.rope import RopeWish, check_wish


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (RopeWish(rope_alpha=0.5), "rope_alpha is 0.5"),
        (RopeWish(rope_alpha=math.nan), "rope_alpha is nan"),
        (RopeWish(rope_freq_base=-10_000.0), "rope_freq_base is -10000"),
        (RopeWish(rope_freq_base=math.inf), "rope_freq_base is inf"),
        (RopeWish(rope_scale=0.25), "rope_scale is 0.25"),
        (RopeWish(yarn_ext_factor=2.0), "yarn_ext_factor is 2.0"),
        (RopeWish(yarn_orig_ctx=0), "yarn_orig_ctx is 0"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused_with_its_range(wish: RopeWish, says: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        check_wish(wish)
    assert refused.value.text("en").startswith(says)
    assert "{" not in refused.value.text("ru")


@pytest.mark.parametrize(
    "wish",
    [RopeWish(rope_alpha=2.0, rope_freq_base=20_000.0), RopeWish(rope_scaling="none", rope_scale=2.0)],
)
def test_two_wishes_that_exclude_each_other_are_refused(wish: RopeWish) -> None:
    with pytest.raises(InvalidParameter):
        check_wish(wish)


@given(alpha=st.floats(1, 1000), scale=st.floats(1, 1000), base=st.floats(1, 1e12))
def test_numbers_in_their_ranges_are_taken(alpha: float, scale: float, base: float) -> None:
    check_wish(RopeWish(rope_alpha=alpha))
    check_wish(RopeWish(rope_freq_base=base, rope_scaling="yarn", rope_scale=scale, yarn_orig_ctx=4096))
