"""A schema as GBNF lets through what the schema does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint
from samovar.sampling.grammar.schema_gbnf import to_gbnf
from tests.sampling.grammar.conftest import Babbler
from tests.sampling.grammar.schemas import SCHEMAS, Schema, fits

PERSON: Schema = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "likes": {"type": "array"}},
    "required": ["age"],
}
TREE: Schema = {
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": "null"}}}},
    "$ref": "#/$defs/node",
}


def constraint(schema: object) -> Constraint:
    return Constraint("gbnf", to_gbnf(schema))


@given(schema=SCHEMAS, seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_under_the_grammar_fits_the_schema(babbler: Babbler, schema: Schema, seed: int) -> None:
    told = babbler.say(constraint(schema), seed)
    if told.whole:
        assert fits(json.loads(told.text), schema)


@given(low=st.integers(-2000, 2000), more=st.integers(0, 3000), value=st.integers(-5500, 5500))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whole_numbers_keep_to_their_range(babbler: Babbler, low: int, more: int, value: int) -> None:
    bounded = constraint({"type": "integer", "minimum": low, "maximum": low + more})
    assert babbler.takes(bounded, str(value)) == (low <= value <= low + more)


@pytest.mark.parametrize(
    ("schema", "fitting", "other"),
    [
        ({}, ['{"a": [1, -2.5e3, null]}', '"x\\n"', "true"], ["{a}", "[1,]", "01"]),
        ({"type": "string", "minLength": 1, "maxLength": 2}, ['"a"', '"я\\u00e9"'], ['""', '"abc"', "1"]),
        ({"type": "string", "pattern": "^[A-Z]{2}\\d+$"}, ['"AB1"', '"XY007"'], ['"A1"', '"AB"', "AB1"]),
        ({"type": "array", "items": {"type": "string", "pattern": "^a|b$"}}, ['["a\u00e9", "xb"]'], ['["xa"]']),
        ({"type": ["string", "null"]}, ['"a"', "null"], ["1"]),
        ({"type": "number"}, ["-0.5", "1e9"], [".5", "--1"]),
        ({"type": "integer", "exclusiveMinimum": 0}, ["1", "99"], ["0", "-3", "1.5"]),
        ({"type": "integer", "maximum": -1.5}, ["-2", "-300"], ["-1", "0", "2"]),
        ({"const": {"a": 'b"\\'}}, ['{"a": "b\\"\\\\"}'], ['{"a": "b"}']),
        ({"enum": ["tea", 1, None]}, ['"tea"', "1", "null"], ["tea", "2"]),
        ({"type": "string", "enum": ["a"]}, ['"a"'], ['"b"']),
        ({"oneOf": [{"type": "boolean"}, {"type": "null"}]}, ["true", "null"], ["1"]),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 3},
         ["[null,null]", "[null, null,\nnull]"], ["[]", "[null]", "[null,null,null,null]"]),
        ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
        (PERSON, ['{"age":1}', '{"name":"x","age":1}', '{"age":1, "likes":[]}', '{"name":"", "age":1, "likes":[]}'],
         ["{}", '{"name":"x"}', '{"age":1,}', '{"likes":[],"age":1}', '{"age":1,"more":2}']),
        ({"type": "object"}, ["{}", '{"a":1}'], ["[]"]),
        ({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "boolean"}},
         ["{}", '{"a":null}', '{"b":true}', '{"a":null,"b":true,"c":false}'], ['{"b":1}', '{"a":null "b":true}']),
        (TREE, ["{}", '{"v":null}', '{"next":{"next":{"v":null}}}'], ['{"next":null}']),
    ],
)  # fmt: skip
def test_a_schema_takes_its_values_and_no_others(
    babbler: Babbler, schema: Schema, fitting: list[str], other: list[str]
) -> None:
    assert [text for text in fitting if not babbler.takes(constraint(schema), text)] == []
    assert [text for text in other if babbler.takes(constraint(schema), text)] == []


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "pattern": 1}, "pattern"),
        ({"type": "string", "pattern": "a", "minLength": 1}, "pattern, minLength"),
        ({"type": "string", "pattern": "^(?=a)$"}, "pattern: (?=a)"),
        ({"type": "number", "minimum": 1}, "minimum"),
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"allOf": [{}, {}]}, "allOf"),
        ({"$ref": "https://example.com/x"}, "example.com"),
        ({"$ref": "#/$defs/none"}, "none"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "maximum"),
        ({"type": "tea"}, "tea"),
        ({"type": "object", "required": ["a"]}, "required: a"),
        ({"minLength": 3}, "minLength"),
        (False, "False"),
        ("text", "text"),
    ],
)
def test_what_cannot_be_kept_to_is_refused_by_name(schema: Any, keyword: str) -> None:
    with pytest.raises(InvalidInput, match="GBNF") as refusal:
        to_gbnf(schema)
    assert keyword in str(refusal.value)


KEYWORDS = st.sampled_from(["type", "properties", "items", "anyOf", "enum", "required", "$ref", "minItems"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | st.text(), inner, max_size=3),
    )
)
def test_any_json_is_a_grammar_or_refused(schema: object) -> None:
    try:
        assert to_gbnf(schema).startswith("root ::= ")
    except InvalidInput as refusal:
        assert refusal.key == "grammar.schema_keyword"


def nested(levels: int) -> Schema:
    return {"type": "array", "items": nested(levels - 1)} if levels else {"type": "null"}


def test_a_deep_schema_is_a_long_grammar_not_a_huge_one() -> None:
    assert len(to_gbnf(nested(60))) < 2 * len(to_gbnf(nested(30)))
    with pytest.raises(InvalidInput):
        to_gbnf(nested(70))
