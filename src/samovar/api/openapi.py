"""The routes for machines: /openapi.json, with the fields that each dialect's table has for its bodies.

The tables are the ones that the translators obey, so that the document says what is so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from samovar import __version__
from samovar.api.dialects.dialect import Dialect
from samovar.api.routing import Route
from samovar.core.parameters import Parameter

Schema = dict[str, object]

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ANY_OBJECT: Schema = {"type": "object", "additionalProperties": True}
ANSWERED: Schema = {"default": {"description": "What docs/api.md says of this address."}}

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def document(routes: Iterable[Route], dialects: Iterable[Dialect]) -> dict[str, object]:
    """OpenAPI 3.1 of `routes`."""
    bodies = {
        address: _body(dialect, endpoint) for dialect in dialects for address, endpoint in dialect.bodies.items()
    }
    paths: dict[str, dict[str, Schema]] = {}
    for route in routes:
        operations = paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})
        for method in sorted(route.methods):
            operations.setdefault(method.lower(), _operation(route, method, bodies.get(route.path, ANY_OBJECT)))
    return {"openapi": "3.1.0", "info": {"title": "Samovar", "version": __version__}, "paths": paths}


def _operation(route: Route, method: str, body: Schema) -> Schema:
    names = _PARAMETER.findall(route.path)
    operation: Schema = {"responses": ANSWERED}
    if names:
        text = {"in": "path", "required": True, "schema": {"type": "string"}}
        operation["parameters"] = [{"name": name, **text} for name in names]
    if method in WITH_BODY:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation


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
