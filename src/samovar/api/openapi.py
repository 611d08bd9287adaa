"""The routes for machines: /openapi.json, with the fields that each dialect's table has for its bodies.

The tables are the ones that the translators obey, so that the document says what is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from samovar.api.dialects.dialect import Dialect
from samovar.core.parameters import Parameter

Schema = dict[str, object]

WITH_BODY = ("post", "put", "patch", "delete")
ANY_OBJECT: Schema = {"type": "object", "additionalProperties": True}


def document(app: FastAPI, dialects: Iterable[Dialect]) -> dict[str, object]:
    """OpenAPI 3.1 of everything that is registered."""
    whole: dict[str, object] = get_openapi(title=app.title, version=app.version, routes=app.routes)
    bodies = {
        address: _body(dialect, endpoint) for dialect in dialects for address, endpoint in dialect.bodies.items()
    }
    paths = whole["paths"]
    assert isinstance(paths, dict)
    for address, operations in paths.items():
        for method in WITH_BODY:
            if method in operations:
                schema = bodies.get(address, ANY_OBJECT)
                operations[method]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return whole


def _body(dialect: Dialect, endpoint: str) -> Schema:
    fields = {field.name: {"description": field.note} for field in dialect.fields if field.is_on(endpoint)}
    return {**ANY_OBJECT, "properties": {**_sampling(), **fields}}


def _sampling() -> Mapping[str, Schema]:
    # Imported when somebody asks: the declarations come with numpy, which a start need not wait for.
    from samovar.sampling.registry import parameters

    return {name: _property(parameter) for name, parameter in parameters().items()}


def _property(parameter: Parameter) -> Schema:
    match parameter.kind:
        case "bool":
            return {"type": "boolean"}
        case "float" | "int":
            kind = "number" if parameter.kind == "float" else "integer"
            return {"type": kind, "minimum": parameter.minimum, "maximum": parameter.maximum}
        case "bias":
            return {"type": "object", "additionalProperties": {"type": ["number", "boolean"]}}
        case _:
            return {"type": "array", "items": {"type": "string" if parameter.kind == "texts" else "integer"}}
