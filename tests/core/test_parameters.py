"""A parameter takes what is in its range and of its type, and says what is wrong with anything else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidParameter
from samovar.core.parameters import Parameter

TOP_K = Parameter("top_k", "int", neutral=0, default=40, minimum=0, maximum=1000)
TOP_P = Parameter("top_p", "float", neutral=1.0, default=0.95, minimum=0.0, maximum=1.0)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANY_JSON)
def test_any_value_is_checked_or_refused(value: object) -> None:
    for parameter in (TOP_K, TOP_P):
        try:
            checked = parameter.check(value)
        except InvalidParameter:
            continue
        assert parameter.minimum <= checked <= parameter.maximum
        assert isinstance(checked, int if parameter.kind == "int" else float)


def test_a_whole_float_is_an_integer() -> None:
    assert TOP_K.check(20.0) == 20


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.5, "0.5", None, True])
def test_what_is_outside_is_named_with_the_range(value: object) -> None:
    with pytest.raises(InvalidParameter, match="top_p"):
        TOP_P.check(value)
