"""A parameter takes what is in its range and of its type, and says what is wrong with anything else."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput, InvalidParameter
from samovar.core.parameters import Parameter, SamplingParams, Value

TOP_K = Parameter("top_k", "int", neutral=0, default=40, minimum=0, maximum=1000)
TEXTS = Parameter("breakers", "texts", neutral=(), default=(), minimum=1, maximum=5)
TOKENS = Parameter("bans", "tokens", neutral=(), default=(), minimum=0, maximum=100)
BIAS = Parameter("bias", "bias", neutral={}, default={}, minimum=-10, maximum=10)
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


@given(ANY_JSON)
def test_any_value_is_a_list_or_refused(value: object) -> None:
    for parameter in (TEXTS, TOKENS, BIAS):
        try:
            checked = parameter.check(value)
        except InvalidParameter:
            continue
        assert parameter.check(checked) == checked
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(checked), type=Value) == checked


@pytest.mark.parametrize("value", [["\n", "*"], '["\\n", "*"]', '"\\n", "*"', ("\n", "*")])
def test_texts_are_read_as_every_client_writes_them(value: object) -> None:
    assert TEXTS.check(value) == ("\n", "*")


@pytest.mark.parametrize(("value", "tokens"), [([1, 2.0], (1, 2)), ("1, 2", (1, 2)), ("", ()), ("[1,2]", (1, 2))])
def test_tokens_are_read_as_every_client_writes_them(value: object, tokens: tuple[int, ...]) -> None:
    assert TOKENS.check(value) == tokens


@pytest.mark.parametrize(
    "value", [{"5": 1, "7": False}, [[5, 1], [7, False]], {5: 1.0, 7: -math.inf}, '{"5": 1, "7": false}']
)
def test_biases_are_read_as_every_client_writes_them(value: object) -> None:
    assert BIAS.check(value) == {5: 1.0, 7: -math.inf}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (TEXTS, ["toolong"]), (TEXTS, [""]), (TEXTS, [5]), (TEXTS, 5), (TEXTS, "[["), (TEXTS, ["a"] * 65),
        (TOKENS, [101]), (TOKENS, [-1]), (TOKENS, [1.5]), (TOKENS, [True]), (TOKENS, "x"), (TOKENS, {"1": 1}),
        (BIAS, {"x": 1}), (BIAS, {"5": 11}), (BIAS, {"5": "1"}), (BIAS, {"5": math.nan}), (BIAS, {"5": True}),
        (BIAS, [[1, 2, 3]]), (BIAS, "5"), (BIAS, {"-1": 1}), (BIAS, {"5": math.inf}),
    ],
)  # fmt: skip
def test_lists_that_are_wrong_are_named(parameter: Parameter, value: object) -> None:
    with pytest.raises(InvalidParameter, match=parameter.name):
        parameter.check(value)


def test_a_number_that_clients_send_for_off_is_the_neutral_value() -> None:
    sigma = Parameter("sigma", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=5.0, off=(-1,))
    assert sigma.check(-1) == sigma.check(-1.0) == 0.0
    with pytest.raises(InvalidParameter):
        sigma.check(-0.5)


def test_values_cross_a_border_between_processes() -> None:
    params = SamplingParams({"a": 1.5, "b": True, "c": ("x",), "d": (1, 2), "e": {5: -math.inf}}, ("top_k",), 7)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(params), type=SamplingParams) == params


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan")])
def test_a_number_beyond_all_numbers_is_a_sentence(value: float) -> None:
    for kind in ("int", "float"):
        with pytest.raises(InvalidInput):
            Parameter("n", kind, neutral=0, default=0, minimum=-1, maximum=10**7).check(value)
