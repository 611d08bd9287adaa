"""Small JSON schemas, and whether a value fits one: just the keywords that these schemas have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}

INTEGERS = st.tuples(st.integers(-500, 500), st.integers(0, 900)).map(
    lambda bounds: {"type": "integer", "minimum": bounds[0], "maximum": sum(bounds)}
)
STRINGS = st.tuples(st.integers(0, 3), st.integers(0, 6)).map(
    lambda bounds: {"type": "string", "minLength": bounds[0], "maxLength": sum(bounds)}
)
LEAVES = (
    INTEGERS
    | STRINGS
    | st.just({"type": "boolean"})
    | st.just({"type": "null"})
    | st.lists(st.text(max_size=4) | st.integers(-99, 99), min_size=1, max_size=4).map(
        lambda any_of: {"enum": any_of}
    )
)


def _arrays(items: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda item, least, more: {"type": "array", "items": item, "minItems": least, "maxItems": least + more},
        items,
        st.integers(0, 2),
        st.integers(0, 2),
    )


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.dictionaries(st.text(max_size=5), inner, max_size=3).flatmap(
        lambda properties: st.sets(st.sampled_from(sorted(properties)) if properties else st.nothing()).map(
            lambda required: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
                "additionalProperties": False,
            }
        )
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        _arrays(inner)
        | _objects(inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda any_of: {"anyOf": any_of})
    ),
    max_leaves=6,
)


def fits(value: Any, schema: Schema) -> bool:
    if "anyOf" in schema:
        return any(fits(value, option) for option in schema["anyOf"])
    if "enum" in schema:
        return any(value == option and type(value) is type(option) for option in schema["enum"])
    if not isinstance(value, TYPES[schema["type"]]) or (isinstance(value, bool) and schema["type"] == "integer"):
        return False
    match value:
        case dict():
            known = schema["properties"]
            return set(schema["required"]) <= set(value) <= set(known) and all(
                fits(v, known[k]) for k, v in value.items()
            )
        case list():
            return schema["minItems"] <= len(value) <= schema["maxItems"] and all(
                fits(v, schema["items"]) for v in value
            )
        case str():
            return bool(schema["minLength"] <= len(value) <= schema["maxLength"])
        case bool() | None:
            return True
    return bool(schema["minimum"] <= value <= schema["maximum"])
